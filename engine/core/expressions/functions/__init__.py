"""The functions of expressions, a file for each family."""
