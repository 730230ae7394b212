"""In order of their numbers."""
