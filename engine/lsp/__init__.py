"""The language server: what editors show of workflow files while they are written."""
