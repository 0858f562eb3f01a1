"""The colour of text, which only the browser knows."""

INK = "#010203"
"""Placeholder for the theme's text colour; ``live_figure`` replaces it."""
