"""The rules of the linter, one file each; `engine.lint.linter` lists them."""
