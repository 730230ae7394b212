"""What a task prints never holds it up for long, and is kept once it can be."""

from __future__ import annotations

from engine.adapters.clock import SystemClock
from engine.app import task_log
from engine.app.masking import Masker
from engine.app.task_log import BATCH, TaskLog
from engine.errors import Unavailable


class AwayAtFirst:
    """A log store whose database is away until it is told to be there."""

    def __init__(self) -> None:
        self.away = True
        self.tries = 0
        self.kept: list[str] = []

    def append(self, lines) -> None:
        self.tries += 1
        if self.away:
            raise Unavailable("the database", "it restarts")
        self.kept += [line.text for line in lines]


def test_a_database_that_is_away_is_not_asked_at_each_line(monkeypatch):
    monkeypatch.setattr(task_log, "AWAY", 1_000)
    store = AwayAtFirst()
    log = TaskLog(store, SystemClock(), Masker([]), instance="i1", path="build", attempt=1)
    lines = [f"line {number}" for number in range(5 * BATCH)]
    for line in lines:
        log.line("stdout", line)
    assert store.tries == 1
    store.away = False
    log.close()
    assert (store.tries, store.kept) == (2, lines)
