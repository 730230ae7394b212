"""Rules over workflow files, and how their findings are printed."""
