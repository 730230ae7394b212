"""Pure domain logic: no clock, no dice, no I/O (law 3)."""
