"""Where the contents of files between tasks are kept."""
