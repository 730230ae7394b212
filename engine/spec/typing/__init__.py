"""Checks the types of expressions before they run: from the schemas of the names in scope to words for the author."""
