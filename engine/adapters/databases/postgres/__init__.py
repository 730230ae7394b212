"""What only PostgreSQL does: row locks, pipelines, arrays, the clock of the database."""
