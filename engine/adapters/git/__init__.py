"""Follows a git remote: a bare copy, read at a commit, never checked out. GitPython is used here alone, to run git."""
