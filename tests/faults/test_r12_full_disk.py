"""R12: the disk fills up: nothing is acknowledged that is not kept, and all goes on by itself once there is room."""

from __future__ import annotations

import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.faults.disks import SmallPostgres, small_disk
from tests.faults.loads import dag
from tests.fleet import fleet
from tests.repository import push, signed
from tests.servers import UNPRIVILEGED, PostgresServer, wait_until
from tests.stacks import settings

SIZE = 20 * 2**20
UNDER_POSTGRES = 96 * 2**20
"""An empty cluster takes 40 MB."""
LOAD = dag(5, seconds=0.1)
COMMIT = "c" * 40
PADDING = "x" * 100_000
RECOVERY = 60.0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 20 MB of its own."""
    with small_disk(tmp_path / "disk", SIZE) as at:
        yield at


@pytest.fixture
def small_postgres(postgres_server: PostgresServer) -> Iterator[SmallPostgres]:
    """One whose data and WAL have a disk of their own; where the usual one cannot run, this one cannot."""
    with tempfile.TemporaryDirectory() as folder, small_disk(Path(folder, "data"), UNDER_POSTGRES, UNPRIVILEGED):
        server = SmallPostgres(Path(folder), durable=True)
        with server.supervised():
            yield server


def test_a_full_disk_under_the_databases(begin, disk, tmp_path, repository, mailbox, long):
    environment = settings(repository, mailbox) | {"HEADRACE_STATE_DIR": str(disk / "state")}
    with fleet(tmp_path, environment) as made:
        ledger = begin(made, LOAD)
        ledger.url = f"sqlite:///{disk}/state/instances.db"
        answers: Counter[int] = Counter()
        with ledger.quiet():
            ledger.fill(LOAD.name, 10, "quiet")
        for turn in range(10 if long else 1):
            ledger.fill(LOAD.name, 10, f"running-{turn}")
            ballast = _fill(disk)
            refused = answers[503]
            while answers[503] < refused + 5:
                answers[_post(made, ledger, f"full-{turn}-{answers.total()}")] += 1
            ballast.unlink()
            ledger.deliver(COMMIT, f"room-{turn}")
            recovery = ledger.wait_for_end(RECOVERY)
            with closing(sqlite3.connect(disk / "state" / "instances.db")) as connection:
                assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert set(answers) <= {202, 503}, answers
        assert made.processes["dev"].poll() is None
        ledger.check(LOAD, answers=dict(answers), integrity="ok", recovery=recovery)


@pytest.mark.postgres
@pytest.mark.redis
def test_a_full_disk_under_postgresql(begin, small_postgres, tmp_path, repository, mailbox, redis_url, long):
    """First it refuses what is new; without room for its WAL it ends, and cannot come back before there is some."""
    url = small_postgres.url(small_postgres.create_database())
    databases = {"HEADRACE_INSTANCES_URL": url, "HEADRACE_DEFINITIONS_URL": url, "HEADRACE_BROKER_URL": redis_url}
    with fleet(tmp_path, settings(repository, mailbox) | databases) as made:
        made.run("db", "upgrade")
        ledger = begin(made, LOAD)
        answers: Counter[int] = Counter()
        with ledger.quiet():
            ledger.fill(LOAD.name, 10, "quiet")
        for turn in range(10 if long else 1):
            ledger.fill(LOAD.name, 10, f"running-{turn}")
            refused: list[str] = []
            panics = small_postgres.panics()
            small_postgres.lose_standby()
            while len(refused) < 5 or small_postgres.panics() == panics:
                ballast = _fill(small_postgres.folder / "data")
                answers[status := _post(made, ledger, name := f"full-{turn}-{answers.total()}")] += 1
                refused += [name] * (status == 503)
                if len(refused) >= 5:
                    small_postgres.need_wal()
            ballast.unlink()
            for name in refused:  # its sender cannot know whether it was kept
                ledger.deliver(COMMIT, name)
            small_postgres.forget_standby()
            recovery = ledger.wait_for_end(RECOVERY)
        assert set(answers) <= {202, 503}, answers
        assert all(process.poll() is None for process in made.processes.values())
        ledger.check(LOAD, answers=dict(answers), panics=small_postgres.panics(), recovery=recovery)


def test_a_full_disk_under_the_logs(begin, disk, tmp_path, repository, mailbox, long):
    environment = settings(repository, mailbox) | {"HEADRACE_STATE_DIR": str(tmp_path / "state")}
    with fleet(disk, environment) as made:
        ledger = begin(made, LOAD)
        ledger.url = f"sqlite:///{tmp_path}/state/instances.db"
        with ledger.quiet():
            ledger.fill(LOAD.name, 5, "quiet")
        ballast = _fill(disk)
        for number in range(100 if long else 10):
            ledger.deliver(COMMIT, f"full-{number}")
        ledger.wait_for_end(RECOVERY)
        ballast.unlink()
        before = (disk / "dev.log").stat().st_size
        ledger.deliver(COMMIT, "room")
        wait_until(lambda: (disk / "dev.log").stat().st_size > before, what="the log to go on")
        ledger.wait_for_end(RECOVERY)
        ledger.check(LOAD)


def _fill(disk: Path) -> Path:
    ballast = disk / "ballast"
    with ballast.open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return ballast


def _post(made, ledger, name: str) -> int:
    """One delivery, larger than what may be left; its status. What was acknowledged counts as promised."""
    body = push(COMMIT, number=name, padding=PADDING)
    answer = made.client.post(f"{made.hooks}/hooks/github", content=body, headers=signed(body, delivery=name))
    if answer.status_code == 202:
        ledger.acknowledged[name] |= {entry["instance"] for entry in answer.json()["instances"]}
    return answer.status_code
