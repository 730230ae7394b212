"""Headrace's engine: workflows as code, run durably."""
