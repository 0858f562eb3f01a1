"""Pixel and object metrics, and what they say about a threshold."""
