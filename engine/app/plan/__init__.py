"""What merging does: the difference in meaning between two sets of workflows. Nothing here reads or writes anything."""
