"""Migrations of the instances DB."""
