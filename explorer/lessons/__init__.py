"""Lessons: Markdown files, read and checked; and what a class has guessed, summed up. No streamlit, no torch."""
