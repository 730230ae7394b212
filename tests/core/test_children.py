"""Tasks of kind `workflow`: started, waited for, asked for again, cancelled; every answer may be lost, late or doubled."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.commands import CancelChild, CancelTask, RunTask, SettleScope, StartChild
from engine.core.events import (
    AttemptUnclaimed,
    CancelRequested,
    ChildEnded,
    ChildStarted,
    PauseRequested,
    ResumeRequested,
    TaskCancelled,
    TaskFailed,
    TaskSucceeded,
    TimersDue,
)
from engine.core.model import Retry
from engine.core.outstanding import outstanding
from engine.core.summary import instance_state
from tests.core.build import Scope, cel, mapping, started, task

TWICE = Retry(max_attempts=2, delay=10_000, max_delay=10_000)
NO_ROUTE = {"kind": "network", "message": "no route"}


def called(*more: Any, **keys: Any) -> Scope:
    return started(task("a", kind="workflow", workflow="deploy", **keys), *more)


def begin(scope: Scope, child: str = "c1", attempt: int = 1) -> None:
    scope.take(ChildStarted, task="a", attempt=attempt, child=child)


def end(scope: Scope, outcome: str = "succeeded", *, attempt: int = 1, child: str = "c1", **keys: Any) -> None:
    scope.take(ChildEnded, task="a", attempt=attempt, child=child, outcome=outcome, **keys)


def again(scope: Scope, after: int) -> None:
    scope.take(AttemptUnclaimed, after=after, task="a", attempt=scope.run("a")["attempt"])


def asks(scope: Scope) -> list[Any]:
    assert scope.state is not None
    return list(outstanding(scope.definition, scope.state, scope.context))


def test_another_instance_is_asked_for_with_its_inputs():
    scope = called(params=mapping(service=cel("inputs.service")), queue="big")
    assert scope.commands == (
        StartChild(
            instance="i1",
            path="a",
            attempt=1,
            child="deploy",
            inputs={"service": "billing"},
            workflow="w",
            queue="big",
        ),
    )
    assert scope.status("a") == "queued"
    assert asks(scope) == list(scope.commands)


def test_its_end_is_the_tasks():
    scope = called(task("b", "a"))
    begin(scope)
    assert (scope.status("a"), scope.run("a")["child"]) == ("waiting", "c1")
    assert instance_state(scope.state, None) == "waiting"
    end(scope, outputs={"url": "x"})
    assert scope.status("a") == "succeeded"
    assert scope.run("a")["outputs"] == {"url": "x"}
    assert [command.path for command in scope.asked(RunTask)] == ["b"]
    assert scope.run("a")["child"] == "c1"


def test_one_that_has_ended_before_anybody_heard_of_its_start():
    scope = called()
    end(scope, outputs=7)
    assert scope.asked(SettleScope)[0].outcome == "succeeded"
    begin(scope)
    assert not scope.accepted


@pytest.mark.parametrize(("error", "said"), [(NO_ROUTE, ": no route"), (None, "")])
def test_its_failure_is_the_tasks(error, said):
    scope = called()
    begin(scope)
    end(scope, "failed", error=error)
    assert scope.status("a") == "failed"
    found = scope.run("a")["error"]
    assert (found["kind"], found["message"]) == ("child", f"the instance of deploy failed{said}")
    assert found["details"]["instance"] == "c1"
    assert found["details"].get("error") == error


def test_a_cancelled_one_leaves_a_cancelled_task():
    scope = called(retry=TWICE)
    begin(scope)
    end(scope, "cancelled")
    assert scope.status("a") == "cancelled"


def test_another_attempt_is_another_instance():
    scope = called(retry=TWICE)
    begin(scope)
    end(scope, "failed")
    assert (scope.status("a"), asks(scope)) == ("waiting", [])
    scope.take(TimersDue, after=10_000)
    (ordered,) = scope.asked(StartChild)
    assert ordered.attempt == 2
    assert "child" not in scope.run("a")
    end(scope, "succeeded")  # of the first one, said twice
    assert not scope.accepted
    begin(scope, "c2", attempt=2)
    end(scope, "succeeded", attempt=2, child="c2")
    assert scope.status("a") == "succeeded"


def test_a_start_that_cannot_be_is_a_failure():
    scope = called()
    scope.take(TaskFailed, task="a", attempt=1, error={"kind": "inputs", "message": "no sha"})
    assert scope.run("a")["error"]["kind"] == "inputs"


def test_inputs_that_are_no_map():
    scope = called(params=cel("inputs.service"))
    assert scope.run("a")["error"]["kind"] == "invalid"
    scope = called(params=mapping(x=cel("inputs.nothing")))
    assert scope.status("a") == "failed"


def test_nobody_waits_for_one_that_is_only_started():
    scope = called(wait=False)
    assert scope.asked(StartChild)[0].wait is False
    scope.take(TaskSucceeded, task="a", attempt=1, outputs={"instance": "c1"})
    assert scope.status("a") == "succeeded"
    end(scope, "failed")
    assert not scope.accepted


def test_it_is_asked_for_again_with_growing_pauses():
    scope = called()
    for pause in (20_000, 40_000, 80_000):
        again(scope, pause)
        assert scope.asked(StartChild)
    begin(scope)
    for pause in (20_000, 40_000, 80_000, 160_000, 320_000, 600_000, 600_000):
        again(scope, pause - 1)
        assert not scope.accepted
        again(scope, 1)
        assert scope.asked(StartChild)
        assert scope.status("a") == "waiting"
        begin(scope)  # what answers
        assert not scope.accepted
    end(scope)
    assert scope.status("a") == "succeeded"


def test_a_lost_broker_asks_for_one_that_runs_too():
    scope = called()
    begin(scope)
    assert [type(command) for command in asks(scope)] == [StartChild]
    end(scope)
    assert asks(scope) == []


def test_cancelling_goes_down_and_its_end_is_waited_for():
    scope = called()
    begin(scope)
    scope.take(CancelRequested, by="ben")
    (order,) = scope.commands
    assert order == CancelChild(
        instance="i1", path="a", attempt=1, child="c1", by="ben", reason="the task that started it was cancelled"
    )
    assert scope.status("a") == "waiting"
    assert asks(scope) == [order]
    scope.take(TimersDue, after=60_000)
    assert scope.status("a") == "waiting"
    again(scope, 0)
    assert scope.commands == (order,)
    end(scope, "cancelled")
    assert scope.asked(SettleScope)[0].outcome == "cancelled"


def test_a_success_that_still_comes_counts():
    scope = called()
    begin(scope)
    scope.take(CancelRequested, by="ben")
    end(scope, outputs=1)
    assert scope.status("a") == "succeeded"


def test_cancelling_before_it_is_known_keeps_it_from_starting():
    scope = called()
    scope.take(CancelRequested, by="ben")
    assert [type(command) for command in scope.commands] == [CancelTask, CancelChild]
    scope.take(TaskCancelled, task="a", attempt=1)
    assert scope.asked(SettleScope)[0].outcome == "cancelled"


def test_cancelling_before_it_is_known_finds_it_after_all():
    scope = called()
    scope.take(CancelRequested, by="ben")
    again(scope, 20_000)
    assert [type(command) for command in scope.commands] == [CancelTask, CancelChild, StartChild]
    assert [type(command) for command in asks(scope)] == [CancelTask, CancelChild, StartChild]
    begin(scope)
    assert [command.child for command in scope.asked(CancelChild)] == ["c1"]
    end(scope, "failed")
    assert scope.status("a") == "failed"


def test_what_its_own_scope_calls_off_ends_cancelled():
    scope = called(task("b"), task("c", "a b", join="any", cancel_rest=True))
    begin(scope)
    scope.succeed("b")
    assert [command.child for command in scope.asked(CancelChild)] == ["c1"]
    end(scope, "failed")
    assert scope.status("a") == "cancelled"
    scope.succeed("c")
    assert scope.asked(SettleScope)[0].outcome == "succeeded"


@pytest.mark.parametrize("known", [True, False])
def test_a_timeout_ends_the_attempt_and_its_instance(known):
    scope = called(timeout=60_000, retry=TWICE)
    if known:
        begin(scope)
    scope.take(TimersDue, after=60_000)
    assert [type(command) for command in scope.commands] == ([CancelChild] if known else [CancelTask, CancelChild])
    assert scope.run("a")["error"]["kind"] == "timeout"
    if not known:
        begin(scope)  # it was started all the same
        assert [(command.child, command.attempt) for command in scope.asked(CancelChild)] == [("c1", 1)]
    scope.take(TimersDue, after=10_000)
    assert scope.asked(StartChild)[0].attempt == 2
    begin(scope)
    end(scope, "cancelled")
    assert not scope.accepted
    begin(scope, "c2", attempt=2)
    assert scope.run("a")["child"] == "c2"


def test_a_deadline_cancels_it():
    scope = called(deadline=60_000)
    begin(scope)
    scope.take(TimersDue, after=60_000)
    assert [command.child for command in scope.asked(CancelChild)] == ["c1"]
    assert scope.status("a") == "failed"


def test_a_paused_instance_hears_of_its_end():
    scope = called(task("b", "a"), retry=TWICE)
    begin(scope)
    scope.take(PauseRequested, by="ben")
    end(scope, "failed")
    scope.take(TimersDue, after=10_000)
    assert scope.asked(StartChild) == []
    scope.take(ResumeRequested, by="ben")
    assert scope.asked(StartChild)[0].attempt == 2
