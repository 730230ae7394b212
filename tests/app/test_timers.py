"""Timers and silent attempts: what is due happens once, nothing is taken for lost too early, nobody stands in others' way."""

from __future__ import annotations

import pytest

from engine.app.timers import LOOK_AGAIN, Timers
from engine.core.attempts import CHECK_ALIVE
from engine.core.events import TaskSucceeded
from engine.core.turn import CHECK_AFTER
from engine.errors import Unavailable
from tests.app.world import NOOP, World, lease_of

ONE = f"tasks:\n  a: {NOOP}}}\n"


def kinds(world: World, instance: str) -> list[str]:
    return [row.event["type"] for row in world.reader.history(instance)]


def miss(world: World) -> None:
    """Its check is due, and its lease stays away."""
    world.wait_for_timers()
    world.move(LOOK_AGAIN)
    world.wait_for_timers()


def test_a_wait_ends_when_its_time_has_come_and_not_before(world):
    instance = world.start(f"tasks:\n  pause: {{uses: wait, with: {{for: 1h}}}}\n  a: {{needs: pause, {NOOP[1:]}}}\n")
    assert world.state(instance) == "waiting"
    world.move(3_590_000)
    world.wait_for_timers()
    assert world.state(instance) == "waiting"
    world.move(10_000)
    world.wait_for_timers()
    assert [command["path"] for command in world.queued()] == ["a"]
    world.check_history(instance)


def test_a_timer_outlives_the_process_that_set_it(world):
    instance = world.start(
        f"tasks:\n  a: {{retry: {{max_attempts: 2, delay: 1h}}, {NOOP[1:]}}}\nfinally:\n  last: {NOOP}}}\n"
    )
    world.answer(world.queued()[0], error="exit")
    assert world.state(instance) == "waiting"
    world.move(2 * 3_600_000)
    again = World.__new__(World)
    again.__dict__.update(world.__dict__)
    again.advancer = world.make_advancer()
    assert Timers(recovery=world.recovery, leases=world.leases, advancer=again.advancer).run_once() == 1
    (command,) = world.queued()
    assert (command["path"], command["attempt"]) == ("a", 2)
    again.advancer.flush()


def test_an_attempt_that_nobody_took_up_is_asked_for_again_with_growing_pauses(world):
    instance = world.start(ONE)
    first = world.queued()
    world.move(CHECK_AFTER)
    miss(world)
    assert world.queued() == first, "the same attempt, in the same words"
    world.move(CHECK_AFTER)
    miss(world)
    assert world.queued() == [], "the second pause is longer"
    world.move(CHECK_AFTER)
    miss(world)
    assert world.queued() == first
    world.check_history(instance)


def test_a_started_attempt_without_a_lease_is_lost_and_another_one_follows(world):
    instance = world.start(ONE)
    (command,) = world.queued()
    world.begin(command)
    world.leases.release([lease_of(command)])
    world.move(CHECK_ALIVE)
    miss(world)
    (again,) = world.queued()
    assert again == {**command, "attempt": 2}
    world.answer(command, {"late": True})
    assert world.run(instance, "a")["state"] == "queued", "the first attempt was given up: its completion is refused"
    world.answer(again)
    assert world.state(instance) == "succeeded"
    world.check_history(instance)


def test_a_lease_that_is_held_keeps_its_attempt(world):
    instance = world.start(ONE)
    (command,) = world.queued()
    world.begin(command)
    for _ in range(3):
        world.move(CHECK_ALIVE)
        miss(world)
    assert world.queued() == []
    assert "AttemptLost" not in kinds(world, instance)
    world.answer(command)
    assert world.state(instance) == "succeeded"


def test_a_broker_that_was_wiped_has_time_to_get_its_leases_back(world):
    """Heartbeats bring them back twice a second; an attempt that is at work must not be taken for lost in between."""
    instance = world.start(ONE)
    (command,) = world.queued()
    world.begin(command)
    world.move(CHECK_ALIVE)
    world.leases.release([lease_of(command)])
    world.wait_for_timers()
    world.leases.renew([lease_of(command)])
    world.move(LOOK_AGAIN)
    world.wait_for_timers()
    assert kinds(world, instance)[-1] == "AttemptAlive"
    assert "AttemptLost" not in kinds(world, instance)


def test_while_the_broker_is_away_everybody_is_believed_to_be_at_work(world, monkeypatch):
    instance = world.start(ONE)
    (command,) = world.queued()
    world.begin(command, lease=False)
    with monkeypatch.context() as patch:
        patch.setattr(world.leases, "held", _unavailable)
        world.move(CHECK_ALIVE)
        miss(world)
    assert kinds(world, instance)[-1] == "AttemptAlive"
    assert world.queued() == []


def test_an_attempt_lost_too_often_fails(world):
    instance = world.start(f"tasks:\n  a: {{retry: {{max_attempts: 9}}, {NOOP[1:]}}}\n")
    for attempt in range(1, 6):
        (command,) = world.queued()
        assert command["attempt"] == attempt
        world.begin(command, lease=False)
        world.move(CHECK_ALIVE)
        miss(world)
    assert world.state(instance) == "failed"
    assert world.run(instance, "a")["error"]["kind"] == "lost"


def test_a_timeout_is_kept_here_when_a_worker_does_not(world):
    instance = world.start(f"tasks:\n  a: {{timeout: 10s, {NOOP[1:]}}}\n")
    (command,) = world.queued()
    world.begin(command)
    world.move(16_000)
    world.wait_for_timers()
    assert world.state(instance) == "failed"
    assert world.run(instance, "a")["error"]["kind"] == "timeout"
    assert world.called_off() == [lease_of(command)]


def test_a_deadline_counts_the_time_in_the_queue_and_in_pauses(world):
    instance = world.start(f"tasks:\n  a: {{deadline: 30s, retry: {{max_attempts: 5, delay: 20s}}, {NOOP[1:]}}}\n")
    (command,) = world.queued()
    world.move(15_000)  # in the queue
    world.answer(command, error="exit")
    assert world.state(instance) == "failed", "the next attempt would start after the deadline"
    assert world.run(instance, "a")["error"]["kind"] == "exit"
    other = world.start(f"description: in the queue\ntasks:\n  a: {{deadline: 30s, {NOOP[1:]}}}\n")
    world.move(31_000)
    world.wait_for_timers()
    assert world.run(other, "a")["error"]["kind"] == "timeout"


def test_a_workflow_that_takes_too_long_fails_and_its_finally_runs(world):
    instance = world.start(f"timeout: 1h\ntasks:\n  a: {NOOP}}}\nfinally:\n  last: {NOOP}}}\n")
    world.begin(world.queued()[0])
    world.move(3_600_000)
    world.wait_for_timers()
    world.move(20_000)  # the worker says nothing within its grace
    world.wait_for_timers()
    last = [command for command in world.queued() if command["type"] == "RunTask"]
    assert [command["path"] for command in last] == ["finally/last"]
    world.answer(last[0])
    found = world.get(instance)
    assert (found.state, found.error["error"]["kind"]) == ("failed", "timeout")


def test_timers_of_finally_are_seen(world):
    instance = world.start(f"tasks:\n  a: {NOOP}}}\nfinally:\n  pause: {{uses: wait, with: {{for: 1h}}}}\n")
    world.work()
    assert world.state(instance) == "waiting"
    world.move(3_600_000)
    world.wait_for_timers()
    assert world.state(instance) == "succeeded"
    world.check_history(instance)


def test_more_timers_than_a_transaction_takes(world):
    world.load("name: w\ntasks:\n  pause: {uses: wait, with: {for: 1m}}\n")
    version = world.definitions.active("w")
    made = [world.starter.prepare(version, inputs={}, trigger={}, by="ana") for _ in range(250)]
    world.starter.commit(made)
    world.move(60_000)
    world.wait_for_timers()
    assert world.reader.counts(1_000) == {"succeeded": 250}


def test_attempts_that_are_waited_for_keep_nobody_waiting(world):
    """After a broker was wiped, say, whose workers were killed with it."""
    for _ in range(3):
        world.start(ONE)
    timers = Timers(recovery=world.recovery, leases=world.leases, advancer=world.advancer)
    waiting = world.start(
        f"tasks:\n  pause: {{uses: wait, with: {{for: {CHECK_AFTER + 1}ms}}}}\n  a: {{needs: pause, {NOOP[1:]}}}\n"
    )
    world.queued()
    world.move(CHECK_AFTER + 1_500)  # timers are stored in coarse steps
    for _ in range(3):
        timers.run_once(2)
    assert waiting in [command["instance"] for command in world.queued()]


def test_a_scope_that_cannot_go_on_does_not_keep_the_others_waiting(world):
    """Its definition is damaged. It is looked at again later, and is not lost."""
    bad = world.start("tasks:\n  pause: {uses: wait, with: {for: 1m}}\n")
    mend = world.damage()
    good = world.start("description: another\ntasks:\n  pause: {uses: wait, with: {for: 2m}}\n")
    world.move(180_000)
    timers = _fresh(world)
    while timers.run_once(limit=1):
        pass
    assert timers.run_once(limit=1) == 0, "a timer that cannot be taken is put off, not tried without end"
    assert (world.state(bad), world.state(good)) == ("waiting", "succeeded")
    mend()
    world.move(61_000)
    timers = _fresh(world)
    assert timers.run_once() == 1
    assert world.state(bad) == "succeeded"


def test_a_bug_met_by_one_timer_is_that_ones_alone(world, monkeypatch):
    world.start("tasks:\n  pause: {uses: wait, with: {for: 1m}}\n")
    bad = world.reader.list()[0].id
    good = world.start("description: another\ntasks:\n  pause: {uses: wait, with: {for: 1m}}\n")
    world.move(60_000)
    submit = world.advancer.submit

    def buggy(notifications):
        if any(one.instance == bad for one in notifications):
            raise KeyError("a bug")
        submit(notifications)

    monkeypatch.setattr(world.advancer, "submit", buggy)
    world.wait_for_timers()
    assert (world.state(bad), world.state(good)) == ("waiting", "succeeded")


def test_an_outage_of_the_database_is_said(world, monkeypatch):
    world.start("tasks:\n  pause: {uses: wait, with: {for: 1m}}\n")
    world.move(61_000)
    monkeypatch.setattr(world.advancer, "submit", _unavailable)
    with pytest.raises(Unavailable):
        world.timers.run_once()


def test_an_approval_expires(world):
    instance = world.start(
        "tasks:\n  ask: {uses: approval, with: {message: '?', approvers: [ana], expires: 1h}}\n"
        f"  late: {{needs: ask.expired, {NOOP[1:]}}}\n",
    )
    world.queued()
    world.move(3_600_000)
    world.wait_for_timers()
    assert world.run(instance, "ask")["state"] == "expired"
    assert world.instances.approvals.at(instance, "ask").state == "expired"
    assert [command["path"] for command in world.queued() if command["type"] == "RunTask"] == ["late"]


def test_a_success_between_the_look_and_the_verdict_counts(world, monkeypatch):
    """The scheduler read the scope, then the attempt ended: its verdict comes too late."""
    instance = world.start(ONE)
    (command,) = world.queued()
    world.begin(command, lease=False)
    world.move(CHECK_ALIVE)
    world.wait_for_timers()
    world.move(LOOK_AGAIN)
    held = world.leases.held

    def slow(keys):
        world.tell(instance, TaskSucceeded(task="a", attempt=1))
        return held(keys)

    monkeypatch.setattr(world.leases, "held", slow)
    world.timers.run_once()
    assert world.state(instance) == "succeeded"
    assert world.queued() == []
    world.check_history(instance)


def _fresh(world: World):
    return Timers(recovery=world.recovery, leases=world.leases, advancer=world.make_advancer())


def _unavailable(*_args, **_keys):
    raise Unavailable("something", "it is down")
