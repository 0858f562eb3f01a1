"""Training: the plan, the schedule, and the loop that is a generator of events. This package imports no torch."""
