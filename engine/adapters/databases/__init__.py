"""Definitions and instances in SQLite or PostgreSQL."""
