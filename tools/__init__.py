"""What keeps the project in order: run by the checks, never by the app."""
