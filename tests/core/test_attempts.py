"""Attempts: fencing, checks, losses, re-sends, retries, timeouts, deadlines."""

from __future__ import annotations

from itertools import pairwise

import pytest

from engine.core.attempts import CHECK_ALIVE
from engine.core.commands import CancelTask, RunTask
from engine.core.events import (
    AttemptAlive,
    AttemptLost,
    AttemptUnclaimed,
    TaskFailed,
    TaskStarted,
    TaskSucceeded,
    TimersDue,
)
from engine.core.model import Retry
from engine.core.retry import pause
from engine.core.summary import instance_state, next_due
from tests.core.build import START, started, task

BROKEN = {"kind": "exit", "message": "status 1"}
TWICE = Retry(max_attempts=3, delay=10_000, backoff=2.0, max_delay=60_000)


def test_a_worker_is_asked_with_everything_it_needs():
    scope = started(
        task("a", params={"url": "x"}, env={"A": "1"}, outputs={"n": {"type": "number"}}, timeout=5_000, queue="big")
    )
    assert scope.commands == (
        RunTask(
            instance="i1",
            path="a",
            attempt=1,
            kind="http",
            params={"url": "x"},
            env={"A": "1"},
            outputs={"n": {"type": "number"}},
            timeout=5_000,
            workflow="w",
            queue="big",
        ),
    )


@pytest.mark.parametrize("attempt", [0, 2])
def test_another_attempts_completion_changes_nothing(attempt):
    scope = started(task("a"))
    before = scope.state
    decision = scope.take(TaskSucceeded, task="a", attempt=attempt)
    assert not decision.accepted
    assert decision.state is before
    assert decision.commands == ()


@pytest.mark.parametrize("name", ["nobody", "b"])
def test_a_completion_of_what_never_started_changes_nothing(name):
    scope = started(task("a"), task("b", "a"))
    scope.take(TaskSucceeded, task=name, attempt=1)
    assert not scope.accepted


def test_only_the_first_completion_counts():
    scope = started(task("a"), task("b"))
    scope.succeed("a", outputs={"n": 1})
    scope.take(TaskSucceeded, task="a", attempt=1, outputs={"n": 2})
    assert not scope.accepted
    scope.take(TaskFailed, task="a", attempt=1, error=BROKEN)
    assert not scope.accepted
    assert scope.run("a")["outputs"] == {"n": 1}


def test_nobody_takes_it_up_so_it_is_asked_for_again_with_growing_pauses():
    scope = started(task("a"))
    first = scope.commands
    pauses = []
    for _ in range(8):
        due = scope.run("a")["timers"]["check"]
        pauses.append(due - scope.now)
        scope.take(AttemptUnclaimed, task="a", attempt=1, after=due - scope.now)
        assert scope.commands == first
        scope.take(AttemptUnclaimed, task="a", attempt=1)
        assert not scope.accepted  # the same look twice
    assert pauses == [20_000, 40_000, 80_000, 160_000, 320_000, 600_000, 600_000, 600_000]


def test_the_scope_is_asked_to_look_but_timers_due_leaves_checks_alone():
    scope = started(task("a"))
    assert next_due(scope.state) == START + 20_000
    scope.take(TimersDue, after=60_000)
    assert not scope.accepted


def test_a_running_attempt_is_checked_and_extended_while_its_lease_is_held():
    scope = started(task("a"))
    scope.take(TaskStarted, task="a", attempt=1, worker="w1", after=1_000)
    assert scope.status("a") == "running"
    assert next_due(scope.state) == START + 1_000 + CHECK_ALIVE
    scope.take(AttemptAlive, task="a", attempt=1, after=CHECK_ALIVE)
    assert next_due(scope.state) == START + 1_000 + 2 * CHECK_ALIVE
    scope.take(AttemptUnclaimed, task="a", attempt=1, after=CHECK_ALIVE)
    assert not scope.accepted


def test_a_lost_attempt_raises_the_number_and_uses_no_retry():
    scope = started(task("a"))
    scope.take(AttemptUnclaimed, task="a", attempt=1, after=20_000)
    scope.take(TaskStarted, task="a", attempt=1)
    scope.take(AttemptLost, task="a", attempt=1)
    assert [command.attempt for command in scope.asked(RunTask)] == [2]
    assert scope.run("a") == {
        "state": "queued",
        "attempt": 2,
        "ready_at": START,
        "losses": 1,
        "timers": {"check": scope.now + 20_000},
    }
    scope.take(TaskSucceeded, task="a", attempt=1)  # it was only slow
    assert not scope.accepted
    scope.succeed("a")
    assert scope.state["outcome"] == "succeeded"


def test_the_fifth_loss_fails_the_task():
    scope = started(task("a"))
    for attempt in range(1, 6):
        assert scope.status("a") == "queued"
        scope.take(AttemptLost, task="a", attempt=attempt)
    assert scope.run("a")["error"]["kind"] == "lost"


def test_a_failed_attempt_is_tried_again_after_a_growing_pause():
    scope = started(task("a", retry=TWICE))
    scope.take(TaskFailed, task="a", attempt=1, error=BROKEN)
    assert scope.status("a") == "waiting"
    assert instance_state(scope.state, None) == "waiting"
    assert scope.run("a")["error"] == BROKEN
    first = next_due(scope.state) - scope.now
    assert 9_000 <= first <= 11_000
    scope.take(TimersDue, after=first - 1)
    assert not scope.accepted
    scope.take(TimersDue, after=1)
    assert [command.attempt for command in scope.asked(RunTask)] == [2]
    scope.take(TaskFailed, task="a", attempt=2, error=BROKEN)
    assert 18_000 <= next_due(scope.state) - scope.now <= 22_000
    scope.take(TimersDue, after=22_000)
    scope.take(TaskFailed, task="a", attempt=3, error={"kind": "exit", "message": "status 3"})
    assert scope.run("a")["error"]["message"] == "status 3"
    assert scope.state["outcome"] == "failed"


def test_a_success_after_failures_leaves_no_error():
    scope = started(task("a", retry=TWICE))
    scope.take(TaskFailed, task="a", attempt=1, error=BROKEN)
    scope.take(TimersDue, after=11_000)
    scope.succeed("a")
    assert "error" not in scope.run("a")


def test_no_pause_means_at_once():
    scope = started(task("a", retry=Retry(max_attempts=2, delay=0)))
    scope.take(TaskFailed, task="a", attempt=1, error=BROKEN)
    assert [command.attempt for command in scope.asked(RunTask)] == [2]


def test_pauses_stay_within_their_bounds_and_are_spread():
    policy = Retry(delay=1_000, backoff=3.0, max_delay=50_000)
    for failures, plain in [(1, 1_000), (2, 3_000), (4, 27_000), (5, 50_000), (10_000, 50_000)]:
        pauses = [pause(policy, failures, f"i/{key}/{failures}") for key in range(200)]
        assert all(0.9 * plain - 1 <= found <= min(1.1 * plain + 1, 50_000) for found in pauses)
        assert len(set(pauses)) > 50
    assert pause(policy, 1, "i/a/1") == pause(policy, 1, "i/a/1")
    growing = [pause(policy, failures, "i/a/1") for failures in range(1, 5)]
    assert all(earlier < later for earlier, later in pairwise(growing))


def test_time_in_the_queue_does_not_count_against_the_timeout():
    scope = started(task("a", timeout=10_000))
    assert "timeout" not in scope.run("a")["timers"]
    scope.take(TaskStarted, task="a", attempt=1, after=3_600_000)
    assert scope.run("a")["timers"]["timeout"] == scope.now + 15_000


def test_a_worker_that_does_not_report_a_timeout_is_called_off_and_the_attempt_has_failed():
    scope = started(task("a", timeout=10_000, retry=TWICE))
    scope.take(TaskStarted, task="a", attempt=1)
    scope.take(TimersDue, after=15_000)
    assert scope.commands == (CancelTask(instance="i1", path="a", attempt=1),)
    assert scope.status("a") == "waiting"
    assert scope.run("a")["error"]["kind"] == "timeout"


def test_a_next_attempt_after_the_deadline_is_not_waited_for():
    scope = started(task("a", deadline=9_000, retry=TWICE))
    scope.take(TaskFailed, task="a", attempt=1, error=BROKEN, after=1_000)
    assert scope.status("a") == "failed"
    assert scope.run("a")["error"] == BROKEN


def test_the_deadline_ends_an_attempt_and_counts_from_when_the_task_was_ready():
    scope = started(task("first"), task("a", "first", deadline=60_000, retry=TWICE))
    scope.take(TaskSucceeded, task="first", attempt=1, after=100_000)
    scope.take(TaskFailed, task="a", attempt=1, error=BROKEN, after=5_000)
    scope.take(TimersDue, after=11_000)
    assert scope.status("a") == "queued"
    scope.take(TimersDue, after=44_000)
    assert scope.run("a")["error"]["kind"] == "timeout"
    assert scope.asked(CancelTask) == [CancelTask(instance="i1", path="a", attempt=2)]


def test_a_pause_noticed_only_after_the_deadline_starts_nothing():
    scope = started(task("a", deadline=20_000, retry=TWICE))
    scope.take(TaskFailed, task="a", attempt=1, error=BROKEN)
    scope.take(TimersDue, after=60_000)
    assert scope.asked(RunTask) == []
    assert scope.run("a")["error"] == BROKEN
