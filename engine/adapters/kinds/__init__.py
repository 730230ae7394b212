"""What task workers can do, one file a kind."""
