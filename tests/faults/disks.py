"""Disks that are soon full, and a PostgreSQL that lives on one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import psycopg
import pytest

from tests.servers import PostgresServer


@contextmanager
def small_disk(at: Path, size: int, owner: str = "root") -> Iterator[Path]:
    """A file system in memory, of so many bytes. Skips the test where none can be mounted."""
    at.mkdir()
    options = f"size={size},mode=700,uid={owner}"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", at], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield at
    finally:
        subprocess.run(["umount", "--lazy", at], check=True)


class SmallPostgres(PostgresServer):
    """Its files of WAL are small, so that it soon needs a new one."""

    made_with = ("--wal-segsize=1",)

    def argv(self) -> list[str]:
        return [*super().argv(), "-c", "min_wal_size=2MB", "-c", "max_wal_size=4MB"]

    @contextmanager
    def supervised(self) -> Iterator[None]:
        """It runs, and is started again whenever it ends."""
        over = Event()

        def watch() -> None:
            while not over.wait(0.1):
                if self.process is None or self.process.poll() is not None:
                    self._start()

        self.start()
        supervisor = Thread(target=watch)
        supervisor.start()
        try:
            yield
        finally:
            over.set()
            supervisor.join()
            self.stop()

    def panics(self) -> int:
        """How often it ended as it could not write its WAL."""
        return (self.folder / "log").read_text().count("PANIC:")

    def lose_standby(self) -> None:
        """From now on it keeps all its WAL, for somebody who does not come."""
        self._administer("SELECT pg_create_physical_replication_slot('standby', true)")

    def forget_standby(self) -> None:
        """Now it may throw it away."""
        self._administer("SELECT pg_drop_replication_slot('standby')")

    def need_wal(self) -> None:
        """Have it begin another file, as it does after each megabyte."""
        with suppress(psycopg.OperationalError):
            self._administer("SELECT pg_switch_wal()")
