"""The same work on other engines: a file each, run by the Python of an environment of its own (`scripts/peers`)."""
