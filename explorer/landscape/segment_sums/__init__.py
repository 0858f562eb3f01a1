"""The losses and metrics of the registry as sums over segments of a fixed set of crops."""
