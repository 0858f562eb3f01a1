"""The commands of ``python -m explorer``, one module each."""
