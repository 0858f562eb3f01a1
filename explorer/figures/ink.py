"""The colour of text, which only the browser knows."""

INK = "#010203"
"""Stands for the theme's text colour in a figure; ``live_figure`` puts the real one in its place."""
