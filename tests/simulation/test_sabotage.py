"""The simulator can fail: with a remedy taken away on purpose, a seed among a few hundred shows what it was for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine.app.advance import Advancer
from engine.app.relay import Relay
from engine.app.timers import Timers
from engine.core import attempts as attempts_module
from engine.core.commands import StopAwaiting
from engine.core.turn import Turn
from engine.errors import Unavailable
from engine.workers.batcher import Batcher
from tests.simulation.memory import gates, store, tables, writes
from tests.simulation.run import run
from tests.simulation.stage import staged

MOST = 400
"""Seeds within which each must be found."""


def no_fence(patch: pytest.MonkeyPatch) -> None:
    """Whatever a worker says of a task counts, of whichever attempt it is."""
    before = attempts_module._out

    def out(turn: Any, task: str, attempt: int) -> Any:
        found = turn.runs.get(task)
        return before(turn, task, attempt if found is None else found["attempt"])

    patch.setattr(attempts_module, "_out", out)


def no_relay(patch: pytest.MonkeyPatch) -> None:
    """What a crash left in the outbox stays there."""
    patch.setattr(Relay, "run_once", lambda _self: 0)


def no_checks(patch: pytest.MonkeyPatch) -> None:
    """Nobody asks again for what was lost."""
    patch.setattr(Timers, "_verdicts", lambda _self, _due, _now: iter(()))


def no_start_keys(patch: pytest.MonkeyPatch) -> None:
    """A start that is asked for again, as its answer was lost, happens again."""
    before = writes._refuse_conflicts

    def refuse(tables: Any, record: Any) -> None:
        tables.start_keys.clear()
        before(tables, record)

    patch.setattr(writes, "_refuse_conflicts", refuse)


def said_too_early(patch: pytest.MonkeyPatch) -> None:
    """A promise is made before it is durable."""
    before = Advancer.submit

    def submit(self: Advancer, *arguments: Any, **keys: Any) -> None:
        try:
            before(self, *arguments, **keys)
        except Unavailable:
            return

    patch.setattr(Advancer, "submit", submit)


def no_row_locks(patch: pytest.MonkeyPatch) -> None:
    """Two batches work on one instance at a time, and nothing fences what they write."""
    patch.setattr(tables.Tables, "lock", lambda _self, _owner, _table, _key: True)
    patch.setattr(writes, "_refuse_broken", lambda _tables, _record: None)


def believed_for_good(patch: pytest.MonkeyPatch) -> None:
    """What a process wrote last counts, whoever has written since."""
    patch.setattr(store.MemoryBelieved, "_is_still_so", lambda _self, _name: True)
    patch.setattr(writes, "_refuse_broken", lambda _tables, _record: None)


def slots_are_kept(patch: pytest.MonkeyPatch) -> None:
    """Nobody gives a slot back."""
    patch.setattr(gates.MemoryGates, "release_slot", lambda _self, _group, _instance, _path: ())


def waits_stay(patch: pytest.MonkeyPatch) -> None:
    """A task that waits no more is still told of events."""
    before = Turn.order

    def order(self: Turn, command: Any) -> None:
        if not isinstance(command, StopAwaiting):
            before(self, command)

    patch.setattr(Turn, "order", order)


def half_a_commit(patch: pytest.MonkeyPatch) -> None:
    """A transaction writes the state and not the history."""
    before = writes._scopes_and_history

    def half(tables: Any, record: Any, written: Any) -> None:
        if len(record.history) > 3:
            record.history, written["history"] = record.history[:-1], written["history"][:-1]
        before(tables, record, written)

    patch.setattr(writes, "_scopes_and_history", half)


def forgets_what_is_held(patch: pytest.MonkeyPatch) -> None:
    """Events of an instance that another worker is at work on are acknowledged as if they had been taken."""
    patch.setattr(Batcher, "_taken", lambda _self, batch, _held: batch)


SABOTAGE: dict[Callable[[pytest.MonkeyPatch], None], str] = {
    no_fence: "accepted",
    no_relay: "the outbox still has",
    no_checks: "for ever",
    no_start_keys: "was promised as",
    said_too_early: "was promised as",
    no_row_locks: "the history does not give the stored state",
    believed_for_good: "the history does not give the stored state",
    slots_are_kept: "a slot of",
    waits_stay: "still waits for an event",
    half_a_commit: "the history does not give the stored state",
    forgets_what_is_held: "was lost",
}


def failures(seeds: range) -> Iterator[str]:
    with staged():
        for seed in seeds:
            yield from run(seed).problems


@pytest.mark.parametrize("sabotage", SABOTAGE, ids=lambda one: one.__name__)
def test_a_remedy_that_is_missing_is_found(sabotage, monkeypatch):
    sabotage(monkeypatch)
    expected = SABOTAGE[sabotage]
    assert any(expected in problem for problem in failures(range(MOST))), "no seed shows it"


def test_nothing_is_found_where_nothing_is_missing():
    assert list(failures(range(40))) == []
