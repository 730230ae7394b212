"""Migrations of the definitions DB."""
