"""The losses and pixel metrics once more, computed from sums over segments of a fixed set of crops.

A slice evaluates many predictions against the same labels. Sorted by part, class and object once, the pixels need one
pass a prediction; every loss is then arithmetic on a small table.
"""
