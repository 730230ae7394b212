"""The one way to lay out a workflow file."""
