"""What must survive faults, on real processes with real PostgreSQL and Redis: a file for each promise of docs/reliability.md."""
