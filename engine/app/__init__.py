"""Use cases, a verb each, over the ports."""
