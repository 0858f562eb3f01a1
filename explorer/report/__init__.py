"""A run, or several compared runs, as one HTML file that needs nothing beside it."""
