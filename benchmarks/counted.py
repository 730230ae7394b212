"""A `headrace` process that counts the batches it decides: `python -m benchmarks.counted COMMAND`."""

from __future__ import annotations

from engine.cli.main import main
from tests.faults.shares import arm

if __name__ == "__main__":
    arm()
    main()
