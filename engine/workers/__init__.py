"""Thin process loops: run_once and a dull wrapper."""
