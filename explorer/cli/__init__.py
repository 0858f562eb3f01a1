"""The same jobs without a browser: one module a command."""
