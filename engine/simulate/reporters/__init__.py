"""The forms in which the outcome of tests is told."""
