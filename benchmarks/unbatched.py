"""The notification worker with batching off: one message at a time, one transaction each. A baseline, never a way to run."""

from __future__ import annotations

from engine.cli import serve
from engine.workers import batcher


def main() -> None:
    batcher.MOST = 1
    serve.serve(serve.notification_part)


if __name__ == "__main__":
    main()
