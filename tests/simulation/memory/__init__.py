"""The databases in memory, as PostgreSQL has them: row locks, transactions that happen whole or not at all, one clock."""
