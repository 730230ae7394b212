"""Dramatiq brokers, leases and signals, over Redis or in process."""
