"""Runs: the folder each one lives in, the store that lists them, the engine that executes them."""
