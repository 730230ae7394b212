"""The cancel button, at every state an instance can be in."""

from __future__ import annotations

import pytest

from engine.core.cancel import GRACE
from engine.core.events import TaskCancelled, TaskSucceeded
from engine.core.keys import FINALLY
from engine.errors import Conflict, NotFound
from tests.app.world import NOOP, World

FINAL = f"finally:\n  last: {NOOP}}}\n"


def cancel(world: World, instance: str) -> list[str]:
    """Returns the paths of the attempts whose workers are told to stop."""
    world.queued()
    world.called_off()
    world.canceller.cancel(instance, by="ana", reason="wrong branch")
    world.check_history(instance)
    assert world.queued() == []
    return [lease.split("/")[1] for lease in world.called_off()]


def test_a_task_in_the_queue_is_called_off_and_given_up_after_its_grace(world):
    instance = world.start(f"tasks:\n  a: {NOOP}}}\n  b: {{needs: a, {NOOP[1:]}}}\n")
    (command,) = world.queued()
    assert cancel(world, instance) == ["a"]
    assert world.state(instance) == "running"
    world.move(GRACE)
    world.wait_for_timers()
    assert world.state(instance) == "cancelled"
    assert world.run(instance, "b")["skipped"]["cause"] == "scope"
    world.answer(command)
    assert world.run(instance, "a")["state"] == "cancelled"


def test_a_running_task_may_still_end_well(world):
    instance = world.start(f"tasks:\n  a: {NOOP}}}\n{FINAL}")
    (command,) = world.queued()
    world.begin(command)
    assert cancel(world, instance) == ["a"]
    world.answer(command, {"x": 1})
    assert world.run(instance, "a")["state"] == "succeeded"
    (last,) = world.queued()
    assert last["path"] == "finally/last"
    world.answer(last)
    assert world.state(instance) == "cancelled"


def test_a_worker_that_stops_it_says_so(world):
    instance = world.start(f"tasks:\n  a: {{retry: {{max_attempts: 5}}, {NOOP[1:]}}}\n")
    (command,) = world.queued()
    world.begin(command)
    cancel(world, instance)
    world.tell(instance, TaskCancelled(task="a", attempt=1))
    assert world.state(instance) == "cancelled"


def test_no_attempt_follows_a_cancelled_one(world):
    instance = world.start(f"tasks:\n  a: {{retry: {{max_attempts: 5, delay: 1s}}, {NOOP[1:]}}}\n")
    (command,) = world.queued()
    cancel(world, instance)
    world.answer(command, error="exit")
    assert world.state(instance) in {"failed", "cancelled"}
    world.move(60_000)
    world.wait_for_timers()
    assert world.queued() == []


@pytest.mark.parametrize(
    "task",
    [
        "uses: wait, with: {for: 1h}",
        "uses: approval, with: {message: '?', approvers: [ana]}",
    ],
)
def test_what_waits_ends_at_once(world, task):
    instance = world.start(f"tasks:\n  a: {{{task}}}\n")
    assert world.state(instance) == "waiting"
    cancel(world, instance)
    assert world.state(instance) == "cancelled"
    if "approval" in task:
        assert world.instances.approvals.at(instance, "a").state == "cancelled"
    world.move(3_700_000)
    assert world.timers.run_once() == 0


def test_a_pause_before_an_attempt_ends_at_once(world):
    instance = world.start(f"tasks:\n  a: {{retry: {{max_attempts: 5, delay: 1h}}, {NOOP[1:]}}}\n")
    world.answer(world.queued()[0], error="exit")
    cancel(world, instance)
    assert world.state(instance) == "cancelled"


def test_finally_runs_and_can_be_cancelled_too_even_after_the_instance_was(world):
    """Somebody cancels, and then `finally` hangs: pressing the button again must help."""
    instance = world.start(f"tasks:\n  a: {NOOP}}}\nfinally:\n  last: {{uses: wait, with: {{for: 30d}}}}\n")
    (command,) = world.queued()
    cancel(world, instance)
    world.tell(instance, TaskCancelled(task="a", attempt=command["attempt"]))
    assert world.state(instance) == "waiting"
    cancel(world, instance)
    assert world.state(instance) == "cancelled"
    assert world.scope(instance, FINALLY)["outcome"] == "cancelled"
    world.check_history(instance)


def test_a_cancelled_finally_spoils_a_success(world):
    instance = world.start(f"tasks:\n  a: {NOOP}}}\nfinally:\n  last: {{uses: wait, with: {{for: 30d}}}}\n")
    world.work()
    cancel(world, instance)
    assert world.state(instance) == "cancelled"


def test_pressing_twice_changes_nothing(world):
    instance = world.start(f"tasks:\n  a: {NOOP}}}\n")
    cancel(world, instance)
    assert cancel(world, instance) == []
    assert world.state(instance) == "running"


def test_what_has_ended_cannot_be_cancelled(world):
    instance = world.start(f"tasks:\n  a: {NOOP}}}\n")
    world.work()
    with pytest.raises(Conflict, match="succeeded"):
        world.canceller.cancel(instance, by="ana")
    with pytest.raises(NotFound):
        world.canceller.cancel("nowhere", by="ana")


def test_a_cancellation_and_the_end_at_the_same_time(world):
    """The look at the state came first: the instance takes the cancellation late, and nothing changes."""
    instance = world.start(f"tasks:\n  a: {NOOP}}}\n")
    get = world.reader.get

    def slow(name):
        found = get(name)
        world.tell(instance, TaskSucceeded(task="a", attempt=1))
        return found

    world.reader.get = slow
    try:
        world.canceller.cancel(instance, by="ana")
    finally:
        del world.reader.get
    assert world.state(instance) == "succeeded"
    world.check_history(instance)
