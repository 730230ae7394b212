"""What only SQLite does: one writer at a time, BEGIN IMMEDIATE, the clock of the machine."""
