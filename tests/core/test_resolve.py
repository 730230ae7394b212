"""Tasks ended from outside, whoever is at work on them."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.commands import CancelTask, RunTask, StopAwaiting, TellScope
from engine.core.events import (
    AttemptLost,
    CancelRequested,
    ScopeSettled,
    TaskCancelled,
    TaskFailed,
    TaskResolved,
    TaskStarted,
    TaskSucceeded,
    TimersDue,
)
from engine.core.model import Retry, TaskList
from tests.core.build import Scope, started, task, tasks

ERROR = {"kind": "manual", "message": "no"}
STOP = CancelTask(instance="i1", path="a", attempt=1)


def resolve(scope: Scope, resolution: str = "succeeded", name: str = "a", **keys: Any) -> None:
    scope.take(TaskResolved, task=name, resolution=resolution, by="ana", **keys)


def test_completing_calls_off_what_runs_and_lets_the_rest_go_on():
    scope = started(task("a"), task("b", "a"))
    scope.take(TaskStarted, task="a", attempt=1)
    resolve(scope, outputs={"n": 1})
    run = scope.run("a")
    assert (run["state"], run["outputs"], run["by"]) == ("succeeded", {"n": 1}, "ana")
    assert scope.asked(CancelTask) == [STOP]
    assert [command.path for command in scope.asked(RunTask)] == ["b"]
    scope.take(TaskSucceeded, task="a", attempt=1)
    assert not scope.accepted


def test_failing_is_final_whatever_the_retry_policy_says():
    scope = started(task("a", retry=Retry(max_attempts=5)), task("b", "a.failed"))
    resolve(scope, "failed", error=ERROR)
    assert (scope.status("a"), scope.run("a")["error"], scope.status("b")) == ("failed", ERROR, "queued")


def test_a_pause_between_attempts_can_be_ended_too():
    scope = started(task("a", retry=Retry(max_attempts=2, delay=60_000)))
    scope.take(TaskFailed, task="a", attempt=1, error=ERROR)
    resolve(scope)
    assert scope.status("a") == "succeeded"
    assert scope.asked(CancelTask) == []
    assert "error" not in scope.run("a")


def test_a_task_that_waits_for_an_event_has_received_one():
    scope = started(task("a", kind="event", params={"type": "x"}))
    resolve(scope, outputs={"body": 1})
    assert (scope.status("a"), scope.run("a")["outputs"]) == ("received", {"body": 1})
    assert StopAwaiting(path="a", attempt=1) in scope.commands


@pytest.mark.parametrize("resolution", ["succeeded", "failed", "cancelled"])
def test_what_is_not_under_way_and_approvals_are_left_alone(resolution: str):
    scope = started(task("a", kind="approval", params={"message": "?"}), task("b", "a"), task("c"))
    scope.succeed("c")
    for name in ("a", "b", "c", "nobody"):
        resolve(scope, resolution, name)
        assert not scope.accepted


def test_a_cancelled_task_ends_when_its_worker_has_stopped_and_fails_its_scope():
    scope = started(task("a", retry=Retry(max_attempts=3)), task("b"))
    resolve(scope, "cancelled")
    assert (scope.status("a"), scope.commands) == ("queued", (STOP,))
    resolve(scope, "cancelled")
    assert not scope.accepted
    scope.take(TaskCancelled, task="a", attempt=1)
    assert (scope.status("a"), scope.run("a")["by"]) == ("cancelled", "ana")
    scope.succeed("b")
    assert scope.state is not None
    assert scope.state["outcome"] == "failed"


@pytest.mark.parametrize(
    "then",
    [
        (TaskFailed, {"task": "a", "attempt": 1, "error": ERROR}),
        (AttemptLost, {"task": "a", "attempt": 1}),
        (TimersDue, {"after": 15_000}),
    ],
)
def test_a_cancelled_task_is_not_tried_again(then: tuple[Any, dict[str, Any]]):
    scope = started(task("a", retry=Retry(max_attempts=3)), task("b", "a.cancelled"))
    scope.take(TaskStarted, task="a", attempt=1)
    resolve(scope, "cancelled")
    kind, keys = then
    scope.take(kind, **keys)
    assert (scope.status("a"), scope.status("b")) == ("cancelled", "queued")


def test_a_wait_is_cancelled_at_once():
    scope = started(task("a", kind="wait", params={"for": "1h"}), task("b", "a.cancelled"))
    resolve(scope, "cancelled")
    assert (scope.status("a"), scope.status("b")) == ("cancelled", "queued")


def test_a_task_with_scopes_can_only_be_cancelled():
    body: TaskList = tasks(task("x"))
    scope = started(task("a", kind="group", body=body), task("b", "a.cancelled"))
    for resolution in ("succeeded", "failed"):
        resolve(scope, resolution)
        assert not scope.accepted
    resolve(scope, "cancelled")
    (told,) = scope.asked(TellScope)
    assert (told.scope, told.event["type"], told.event["by"]) == ("a", "CancelRequested", "ana")
    resolve(scope, "cancelled")
    assert not scope.accepted
    scope.take(ScopeSettled, scope="a", outcome="cancelled")
    assert (scope.status("a"), scope.status("b")) == ("cancelled", "queued")


def test_nothing_is_cancelled_twice():
    scope = started(task("a"))
    scope.take(CancelRequested, by="ana")
    resolve(scope, "cancelled")
    assert not scope.accepted
    resolve(scope, "succeeded")
    assert scope.status("a") == "succeeded"
