"""Leases live as long as their attempts, and no longer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event

import dramatiq
import pytest

from engine.adapters.broker.held import Held
from engine.adapters.broker.memory_leases import MemoryLeases
from engine.core.commands import lease_of
from engine.errors import Malformed, Unavailable
from engine.workers.attempts import Attempt, Attempts
from engine.workers.heartbeat import SURE, Heartbeat
from tests.workers.doubles import run_task


def attempt(instance: str) -> Attempt:
    body = run_task(instance).body
    message = dramatiq.Message(queue_name="tasks", actor_name="perform", args=(body,), kwargs={}, options={})
    return Attempt(message=Held(message), lease=lease_of(body))


def heartbeat(attempts: Attempts, leases: MemoryLeases, *, drop: Callable[[Held], None] = lambda _: None) -> Heartbeat:
    return Heartbeat(
        attempts=attempts, leases=leases, worker="w", announce=lambda _: None, drop=drop, crowded=lambda _: None
    )


class Racing(MemoryLeases):
    """An attempt is settled just before its lease is renewed, and taken off the list just after."""

    def __init__(self, attempts: Attempts, ended: Attempt) -> None:
        super().__init__(ms=60_000)
        self._attempts = attempts
        self._ended = ended

    def renew(self, keys):
        self.release([self._ended.lease])
        asked = super().renew(keys)
        self._attempts.remove([self._ended.message])
        return asked


def test_a_lease_renewed_in_the_moment_of_its_end_does_not_stay():
    attempts, ended, running = Attempts(), attempt("ended"), attempt("running")
    attempts.add([ended, running])
    leases = Racing(attempts, ended)
    beats = heartbeat(attempts, leases)
    beats.beat()
    assert list(leases.held([ended.lease, running.lease])) == [True, True]
    beats.beat()
    assert list(leases.held([ended.lease, running.lease])) == [False, True]


class Slow(MemoryLeases):
    """Renews when it is told to."""

    def __init__(self) -> None:
        super().__init__(ms=60_000)
        self.asked, self.gate = Event(), Event()

    def renew(self, keys):
        self.asked.set()
        self.gate.wait(30)
        return super().renew(keys)


def test_what_is_given_back_while_leases_are_renewed_is_free_for_the_next_reader():
    attempts, given, running = Attempts(), attempt("given"), attempt("running")
    attempts.add([given, running])
    leases = Slow()
    beats = heartbeat(attempts, leases)
    with ThreadPoolExecutor(2) as threads:
        beat = threads.submit(beats.beat)
        leases.asked.wait(30)
        going = threads.submit(beats.let_go, [given.message])
        assert not wait([going], timeout=0.05).done
        leases.gate.set()
        beat.result(30)
        going.result(30)
    assert list(leases.held([given.lease, running.lease])) == [False, True]
    assert leases.renew([given.lease]) == ["ours"]
    beats.beat()
    assert list(leases.held([given.lease])) == [True]


def test_leases_that_cannot_be_renewed_are_renewed_later():
    attempts, running = Attempts(), attempt("running")
    attempts.add([running])
    leases = MemoryLeases(ms=60_000)
    beats = heartbeat(attempts, leases)
    renew = leases.renew

    def down(_keys):
        raise Unavailable("Redis")

    leases.renew = down
    beats.beat()
    assert list(leases.held([running.lease])) == [False]
    leases.renew = renew
    beats.beat()
    assert list(leases.held([running.lease])) == [True]


class TakenOver(MemoryLeases):
    """Somebody else holds everything."""

    def renew(self, keys):
        return ["lost"] * len(keys)


def test_after_a_stop_an_attempt_asks_whether_it_is_still_its_own():
    attempts, ended = Attempts(), attempt("a")
    attempts.add([ended])
    leases = TakenOver(ms=60_000)
    beats = heartbeat(attempts, leases)
    assert beats.ours(ended), "it was leased a moment ago"
    ended.leased_at -= SURE
    assert not beats.ours(ended)
    assert not attempts.finish(ended)
    assert ended.stop.is_set()
    assert attempts.snapshot() == []
    assert not attempts.arrived.is_set(), "there is nothing left to beat for (the simulator's seed 54)"


def test_the_message_of_what_was_taken_over_is_dropped_once_even_if_the_broker_is_away_meanwhile():
    attempts, taken = Attempts(), attempt("a")
    attempts.add([taken])
    dropped: list[Held] = []
    away = [True]

    def drop(message: Held) -> None:
        if away:
            raise Unavailable("Redis")
        dropped.append(message)

    beats = heartbeat(attempts, TakenOver(ms=60_000), drop=drop)
    beats.beat()
    away.clear()
    beats.beat()
    beats.beat()
    assert dropped == [taken.message]


def test_what_is_leased():
    place = {"instance": "i", "path": "finally/report", "attempt": 2}
    assert lease_of({"type": "RunTask", **place}) == "i/finally/report/2"
    assert lease_of({"type": "AskApprovers", **place}) == "i/finally/report/2/ask"
    assert lease_of({"type": "CancelTask", **place}) is None
    with pytest.raises(Malformed, match="path"):
        lease_of({"type": "RunTask", "instance": "i"})
