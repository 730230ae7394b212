"""Pruning beside live work, on both databases: what is old goes batch by batch, whatever happens between two of them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.app import prune
from engine.app.prune import DAY, HOUR, Keep, Pruner
from engine.app.retry import Retrier
from engine.errors import NotFound, Unavailable
from tests.app.world import NOOP, World

ONE = f"tasks:\n  a: {NOOP}}}\n"
WAIT = "tasks:\n  pause: {uses: wait, with: {for: 90d}}\n"


def batches(pruner: Pruner) -> Iterator[int]:
    """One round."""
    while done := pruner.run_once():
        yield done


def ids(world: World) -> list[str]:
    return sorted(instance.id for instance in world.reader.list(limit=500))


def ran(world: World, count: int) -> list[str]:
    found = [world.start(ONE) for _ in range(count)]
    world.work()
    return found


def test_what_ended_long_ago_is_forgotten_and_what_runs_is_kept(world):
    scheduler = world.scheduler(keep=Keep(age=DAY))
    (old,) = ran(world, 1)
    live = world.start(WAIT)
    world.move(DAY - 60_000)
    scheduler.run_once()
    assert world.state(old) == "succeeded"
    world.move(120_000)
    scheduler.run_once()
    assert ids(world) == [live]


def test_a_batch_goes_in_every_round_of_the_scheduler_while_there_is_more(world, monkeypatch):
    monkeypatch.setattr(prune, "INSTANCES", 1)
    scheduler = world.scheduler(keep=Keep(age=DAY))
    ran(world, 3)
    world.move(DAY + 60_000)
    left = []
    for _ in range(3):
        scheduler.run_once()
        left.append(len(ids(world)))
    assert left == [2, 1, 0]


def test_a_round_that_is_over_begins_anew_only_after_its_time(world):
    scheduler = world.scheduler(keep=Keep(age=DAY))
    scheduler.run_once()
    ran(world, 1)
    world.move(DAY + 60_000)
    for _ in range(3):
        scheduler.run_once()
    assert ids(world) == []
    ran(world, 1)
    world.sql("UPDATE instances SET finished_at = 1")
    scheduler.run_once()
    assert len(ids(world)) == 1


def test_timers_come_before_each_batch(world, monkeypatch):
    monkeypatch.setattr(prune, "INSTANCES", 1)
    ran(world, 2)
    scheduler = world.scheduler(keep=Keep(age=DAY))
    waiting = world.start("tasks:\n  pause: {uses: wait, with: {for: 2d}}\n")
    world.move(2 * DAY + 1_000)
    seen: list[tuple[str, int]] = []
    real = world.instances.retention.let_go

    def let_go(**keys):
        seen.append((world.state(waiting), len(ids(world))))
        return real(**keys)

    monkeypatch.setattr(world.instances.retention, "let_go", let_go)
    scheduler.run_once()
    scheduler.run_once()
    assert seen == [("succeeded", 3), ("succeeded", 2)]


def test_a_batch_is_followed_by_a_rest_four_times_as_long(world, monkeypatch):
    monkeypatch.setattr(prune, "INSTANCES", 1)
    ran(world, 3)
    world.move(DAY + 60_000)
    times = iter([0.0, 10.0, 10.5, 12.4, 12.6, 12.6])  # made; began, ended; looks too early; began, ended
    pruner = Pruner(
        retention=world.instances.retention, clock=world.recovery, keep=Keep(age=DAY), monotonic=lambda: next(times)
    )
    left = []
    for _ in range(3):
        assert pruner.run_once()
        left.append(len(ids(world)))
    assert left == [2, 2, 1]


def test_a_crash_between_two_batches_leaves_nothing_behind(world, monkeypatch):
    monkeypatch.setattr(prune, "INSTANCES", 2)
    monkeypatch.setattr(prune, "ROWS", 3)
    ran(world, 5)
    world.move(DAY + 60_000)
    next(batches(world.pruner(Keep(age=DAY))))  # and its process dies
    assert len(ids(world)) == 3
    assert world.sql("SELECT count(*) FROM remains")[0][0] == 2
    for _ in batches(world.pruner(Keep(age=DAY))):
        pass
    for table in ("instances", "scopes", "history", "ends", "remains", "definitions"):
        assert world.sql(f"SELECT count(*) FROM {table}")[0][0] == 0, table


def test_a_round_that_fails_is_followed_by_one_that_starts_over(world, monkeypatch):
    ran(world, 1)
    world.move(DAY + 60_000)
    pruner = world.pruner(Keep(age=DAY))

    def away(_limit):
        raise Unavailable("the database")

    with monkeypatch.context() as patch:
        patch.setattr(world.instances.retention, "sweep", away)
        with pytest.raises(Unavailable):
            pruner.run_once()
    assert list(batches(pruner))
    assert ids(world) == []


def test_definitions_that_cannot_be_locked_go_next_time(world, monkeypatch):
    """While a backup reads the table, say."""
    ran(world, 1)
    world.move(DAY + 60_000)
    pruner = world.pruner(Keep(age=DAY))

    def held():
        raise Unavailable("the database", "canceling statement due to lock timeout")

    with monkeypatch.context() as patch:
        patch.setattr(world.instances.retention, "forget_definitions", held)
        assert list(batches(pruner))
    assert ids(world) == []
    assert world.sql("SELECT count(*) FROM definitions")[0][0] == 1
    assert list(batches(pruner)) == []
    assert world.sql("SELECT count(*) FROM definitions")[0][0] == 0


def test_of_each_workflow_the_newest_are_kept_for_their_time(world):
    old = ran(world, 4)
    live = world.start(WAIT)
    keep = Keep(age=30 * DAY, newest=3)
    world.move(HOUR - 60_000)
    assert list(batches(world.pruner(keep))) == [], "whatever ended within the hour is kept"
    world.move(120_000)
    for _ in batches(world.pruner(keep)):
        pass
    assert ids(world) == sorted([*old[2:], live])
    world.move(30 * DAY)
    for _ in batches(world.pruner(keep)):
        pass
    assert ids(world) == [live]


def test_an_hour_is_kept_whatever_is_said(world):
    ran(world, 1)
    world.move(HOUR - 60_000)
    assert list(batches(world.pruner(Keep(age=1)))) == []
    world.move(120_000)
    assert sum(batches(world.pruner(Keep(age=1)))) > 0


def test_a_start_is_once_for_its_key_until_its_instance_goes(world):
    first = world.start(ONE, start_key="k")
    world.work()
    assert world.starter.start("w", {}, by="ana", start_key="k") == first
    world.move(DAY + 60_000)
    for _ in batches(world.pruner(Keep(age=DAY))):
        pass
    again = world.starter.start("w", {}, by="ana", start_key="k")
    assert again != first
    world.work()
    assert world.state(again) == "succeeded", (
        "its definition came with it again, although this process had stored it before"
    )


@pytest.mark.parametrize("newest", [False, True])
def test_a_retry_that_comes_too_late_is_told_so(world, newest):
    """Between the look at the instance and its lock it goes: nobody is told that it goes on."""
    failed = world.start(ONE)
    (command,) = world.queued()
    world.answer(command, error="broken")
    world.load(f"name: w\ndescription: a newer version\n{ONE}")
    world.move(DAY + 60_000)
    retrier = Retrier(
        reader=world.reader, instances=world.store, definitions=world.definitions, advancer=_Pruned(world)
    )
    with pytest.raises(NotFound):
        retrier.retry(failed, by="ana", newest=newest)
    assert ids(world) == []
    for table in ("history", "definitions"):
        assert world.sql(f"SELECT count(*) FROM {table}")[0][0] == 0


@pytest.mark.parametrize("newest", [False, True])
def test_a_retry_of_what_has_gone_but_for_its_rests_is_told_so(world, newest, monkeypatch):
    """An instance goes in one transaction, its scopes in others: it is not one that stays as it was."""
    failed = world.start(ONE)
    (command,) = world.queued()
    world.answer(command, error="broken")
    world.load(f"name: w\ndescription: a newer version\n{ONE}")
    world.move(DAY + 60_000)
    retrier, really = world.retrier(), world.advancer.submit

    def late(*given, **keys):
        assert world.instances.retention.let_go(ended_before=2**60, limit=10).gone == 1
        return really(*given, **keys)

    monkeypatch.setattr(world.advancer, "submit", late)
    with pytest.raises(NotFound):
        retrier.retry(failed, by="ana", newest=newest)


def test_a_retry_that_comes_first_keeps_the_instance(world):
    failed = world.start(ONE)
    (command,) = world.queued()
    world.answer(command, error="broken")
    world.move(DAY + 60_000)
    world.retrier().retry(failed, by="ana")
    assert list(batches(world.pruner(Keep(age=DAY)))) == []
    world.work()
    assert world.state(failed) == "succeeded"
    world.check_history(failed)


def test_retries_and_starts_go_on_beside_it(world, monkeypatch):
    """Whoever comes first has the whole instance: it goes on with its history, or there is nothing of it."""
    monkeypatch.setattr(prune, "INSTANCES", 2)
    monkeypatch.setattr(prune, "ROWS", 3)
    old = [world.start(ONE) for _ in range(20)]
    for command in world.queued():
        world.answer(command, error="broken")
    world.move(DAY + 60_000)
    retrier = world.retrier()
    kept, started = [], []

    def retry() -> None:
        for instance in reversed(old):
            try:
                retrier.retry(instance, by="ana")
            except NotFound:
                continue
            kept.append(instance)

    def start() -> None:
        started.extend(world.starter.start("w", {}, by="ana") for _ in range(20))

    with ThreadPoolExecutor(3) as threads:
        pruning = threads.submit(lambda: list(batches(world.pruner(Keep(age=DAY)))))
        for done in (threads.submit(retry), threads.submit(start), pruning):
            done.result(60)
    for _ in batches(world.pruner(Keep(age=DAY))):
        pass
    world.work()
    assert {world.state(instance) for instance in (*kept, *started)} == {"succeeded"}
    assert ids(world) == sorted((*kept, *started))
    for instance in kept:
        world.check_history(instance)
    left = {row[0] for row in world.sql("SELECT instance_id FROM history UNION SELECT instance_id FROM scopes")}
    assert left == {*kept, *started}


class _Pruned:
    """An advancer before whose transactions everything old goes."""

    def __init__(self, world: World) -> None:
        self._world = world

    def submit(self, *given, **keys):
        for _ in batches(self._world.pruner(Keep(age=DAY))):
            pass
        return self._world.advancer.submit(*given, **keys)
