"""Runs: their folders, the store that lists them, and all that is done with a run without the cluster."""
