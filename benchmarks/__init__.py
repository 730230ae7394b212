"""How fast the engine is, always beside a baseline measured in the same run: `python -m benchmarks --help`."""
