"""How a scope ends: cancelling, its timeout, `finally`."""

from __future__ import annotations

from dataclasses import replace

from engine.core.commands import CancelScope, CancelTask, CloseApproval, OpenScope, SettleScope
from engine.core.events import (
    AttemptLost,
    CancelRequested,
    ScopeSettled,
    ScopeStarted,
    TaskCancelled,
    TaskFailed,
    TaskStarted,
    TimersDue,
)
from engine.core.keys import FINALLY
from engine.core.model import Retry
from engine.core.outstanding import outstanding
from engine.core.summary import instance_state
from tests.core.build import CONTEXT, Scope, define, started, task

BROKEN = {"kind": "exit", "message": "status 1"}
TIDY = (task("tidy"),)


def cancel(scope):
    scope.take(CancelRequested, by="ana", reason="wrong branch")


def test_cancelling_skips_what_is_pending_ends_what_waits_and_stops_what_runs():
    scope = started(
        task("run"),
        task("queued"),
        task("w", kind="wait", params={"for": "1h"}),
        task("ok", kind="approval", params={"message": "?"}),
        task("again", retry=Retry(max_attempts=2)),
        task("later", "run"),
    )
    scope.take(TaskStarted, task="run", attempt=1)
    scope.take(TaskFailed, task="again", attempt=1, error=BROKEN)
    cancel(scope)
    assert {name: scope.status(name) for name in ("run", "queued", "w", "ok", "again", "later")} == {
        "run": "running",
        "queued": "queued",
        "w": "cancelled",
        "ok": "cancelled",
        "again": "cancelled",
        "later": "skipped",
    }
    assert scope.run("later")["skipped"] == {"cause": "scope"}
    assert scope.asked(CancelTask) == list(outstanding(scope.definition, scope.state, CONTEXT))
    assert [command.path for command in scope.asked(CancelTask)] == ["run", "queued"]
    assert scope.asked(CloseApproval) == [CloseApproval(path="ok", attempt=1, outcome="cancelled")]
    assert scope.state["cancel"] == {"by": "ana", "reason": "wrong branch", "at": scope.now}
    scope.take(TaskCancelled, task="run", attempt=1)
    scope.succeed("queued")  # a success that still arrives counts
    assert scope.status("queued") == "succeeded"
    assert scope.commands == (SettleScope(outcome="cancelled"),)


def test_a_second_cancel_changes_nothing():
    scope = started(task("a"))
    cancel(scope)
    cancel(scope)
    assert not scope.accepted


def test_a_worker_that_does_not_answer_is_given_up_after_its_grace():
    scope = started(task("a"))
    cancel(scope)
    scope.take(TimersDue, after=14_999)
    assert not scope.accepted
    scope.take(TimersDue, after=1)
    assert scope.status("a") == "cancelled"
    assert scope.state["outcome"] == "cancelled"


def test_a_failure_while_cancelling_is_not_retried_and_does_not_make_it_failed():
    scope = started(task("a", retry=Retry(max_attempts=5)))
    cancel(scope)
    scope.take(TaskFailed, task="a", attempt=1, error=BROKEN)
    assert scope.status("a") == "failed"
    assert scope.state["outcome"] == "cancelled"


def test_an_attempt_that_starts_or_is_lost_while_cancelling_gets_no_new_chance():
    scope = started(task("a", timeout=1_000))
    cancel(scope)
    scope.take(TaskStarted, task="a", attempt=1)
    assert list(scope.run("a")["timers"]) == ["cancel"]
    scope.take(AttemptLost, task="a", attempt=1)
    assert scope.commands == (SettleScope(outcome="cancelled"),)


def test_cancelling_never_hides_an_earlier_unhandled_failure():
    scope = started(task("a"), task("b"))
    scope.take(TaskFailed, task="a", attempt=1, error=BROKEN)
    cancel(scope)
    scope.take(TaskCancelled, task="b", attempt=1)
    assert scope.commands == (
        SettleScope(outcome="failed", failures=[{"path": "a", "outcome": "failed", "error": BROKEN}]),
    )


def test_a_failure_whose_listener_could_still_run_was_not_unhandled_yet():
    scope = started(task("a"), task("b"), task("rescue", "a.failed b"))
    scope.take(TaskFailed, task="a", attempt=1, error=BROKEN)
    cancel(scope)
    scope.take(TaskCancelled, task="b", attempt=1)
    assert scope.state["outcome"] == "cancelled"


def test_the_workflows_timeout_ends_it_as_failed():
    scope = started(task("a"), task("b", "a"), timeout=60_000)
    scope.take(TimersDue, after=60_000)
    assert scope.asked(CancelTask)
    assert scope.status("b") == "skipped"
    scope.take(TaskCancelled, task="a", attempt=1)
    assert scope.state["outcome"] == "failed"
    assert [(failure["path"], failure["error"]["kind"]) for failure in scope.state["failures"]] == [("", "timeout")]


def test_timers_noticed_late_take_effect_in_the_order_they_were_due():
    scope = started(task("w", kind="wait", params={"for": 10_000}), timeout=12_000)
    scope.take(TimersDue, after=3_600_000)
    assert scope.state["outcome"] == "succeeded"


def test_finally_opens_when_the_own_tasks_have_ended_and_its_end_settles_the_instance():
    scope = started(task("a"), finally_=TIDY)
    scope.take(TaskFailed, task="a", attempt=1, error=BROKEN)
    failures = [{"path": "a", "outcome": "failed", "error": BROKEN}]
    opened = OpenScope(scope=FINALLY, ending="failed", failures=failures)
    assert scope.commands == (opened,)
    assert scope.state["status"] == "finally"
    scope.take(ScopeSettled, scope="elsewhere", outcome="succeeded")
    assert not scope.accepted
    tidy = finally_scope(scope, opened)
    assert instance_state(scope.state, tidy.state) == "running"
    assert tidy.state["ending"] == "failed"
    assert tidy.state["ending_failures"] == failures
    tidy.succeed("tidy")
    assert tidy.commands == (SettleScope(outcome="succeeded", outputs={}),)
    scope.take(ScopeSettled, scope=FINALLY, outcome="succeeded", outputs={})
    assert scope.commands == (SettleScope(outcome="failed", failures=failures),)
    assert instance_state(scope.state, tidy.state) == "failed"
    scope.take(ScopeSettled, scope=FINALLY, outcome="succeeded", outputs={})
    assert not scope.accepted


def test_a_failing_finally_spoils_a_success():
    scope = started(task("a"), finally_=TIDY)
    scope.succeed("a")
    assert scope.commands == (OpenScope(scope=FINALLY, ending="succeeded"),)
    tidy = finally_scope(scope)
    tidy.take(TaskFailed, task="tidy", attempt=1, error=BROKEN)
    failures = [{"path": "finally/tidy", "outcome": "failed", "error": BROKEN}]
    assert tidy.commands == (SettleScope(outcome="failed", failures=failures),)
    scope.take(ScopeSettled, scope=FINALLY, outcome="failed", failures=failures)
    assert scope.commands == (SettleScope(outcome="failed", failures=failures),)
    assert "outputs" not in scope.state


def test_a_cancelled_instance_still_runs_finally():
    scope = started(task("a"), finally_=TIDY)
    cancel(scope)
    scope.take(TaskCancelled, task="a", attempt=1)
    assert scope.commands == (OpenScope(scope=FINALLY, ending="cancelled"),)


def test_cancelling_while_finally_runs_cancels_finally():
    scope = started(task("a"), finally_=TIDY)
    scope.succeed("a")
    tidy = finally_scope(scope)
    cancel(scope)
    assert scope.commands == (CancelScope(scope=FINALLY, by="ana", reason="wrong branch"),)
    cancel(scope)
    assert not scope.accepted
    cancel(tidy)
    tidy.take(TaskCancelled, task="tidy", attempt=1)
    scope.take(ScopeSettled, scope=FINALLY, outcome="cancelled")
    assert scope.state["outcome"] == "cancelled"


def test_a_scope_starts_once_and_takes_nothing_before():
    definition = define(task("a"))
    early = Scope(definition)
    early.take(TimersDue)
    assert not early.accepted
    scope = started(task("a"))
    scope.take(ScopeStarted)
    assert not scope.accepted


def finally_scope(root: Scope, opened: OpenScope | None = None) -> Scope:
    opened = opened or root.asked(OpenScope)[0]
    scope = Scope(root.definition, context=replace(CONTEXT, scope=FINALLY, outer=(root.state,)), now=root.now)
    scope.take(ScopeStarted, ending=opened.ending, failures=opened.failures)
    return scope
