"""Edges, outcomes and what fails a scope, by example."""

from __future__ import annotations

from engine.core.commands import RunTask, SettleScope
from engine.core.events import TaskCancelled, TaskFailed
from tests.core.build import started, task

BROKEN = {"kind": "exit", "message": "status 1"}


def fail(scope, name):
    scope.take(TaskFailed, task=name, attempt=scope.run(name)["attempt"], error=BROKEN)


def test_a_chain_runs_one_after_the_other_and_succeeds():
    scope = started(task("a"), task("b", "a"), task("c", "b"))
    assert [command.path for command in scope.asked(RunTask)] == ["a"]
    scope.succeed("a", outputs={"x": 1})
    assert [command.path for command in scope.asked(RunTask)] == ["b"]
    scope.succeed("b", "c")
    assert scope.commands == (SettleScope(outcome="succeeded", outputs={}),)
    assert scope.run("a")["outputs"] == {"x": 1}


def test_tasks_without_needs_start_together():
    assert [command.path for command in started(task("a"), task("b"), task("c", "a b")).asked()] == ["a", "b"]


def test_an_empty_list_succeeds_at_once():
    assert started().commands == (SettleScope(outcome="succeeded", outputs={}),)


def test_what_follows_a_failure_is_skipped_and_says_why_while_other_branches_run_on():
    scope = started(task("a"), task("b", "a"), task("c", "b"), task("other"), task("more", "other"))
    fail(scope, "a")
    assert scope.run("b")["skipped"] == {"cause": "edge", "edge": "a.succeeded", "got": "failed"}
    assert scope.run("c")["skipped"] == {"cause": "edge", "edge": "b.succeeded", "got": "skipped"}
    scope.succeed("other", "more")
    assert scope.commands == (
        SettleScope(outcome="failed", failures=[{"path": "a", "outcome": "failed", "error": BROKEN}]),
    )


def test_a_failure_is_handled_when_its_listener_runs():
    scope = started(task("a"), task("rescue", "a.failed"), task("b", "a"))
    fail(scope, "a")
    assert scope.status("b") == "skipped"
    scope.succeed("rescue")
    assert scope.state["outcome"] == "succeeded"


def test_done_never_handles():
    scope = started(task("a"), task("clean", "a.done"))
    fail(scope, "a")
    scope.succeed("clean")
    assert scope.state["outcome"] == "failed"


def test_a_listener_that_is_skipped_does_not_handle():
    scope = started(task("a"), task("b"), task("rescue", "a.failed b"))
    fail(scope, "a")
    fail(scope, "b")
    assert scope.status("rescue") == "skipped"
    assert [failure["path"] for failure in scope.state["failures"]] == ["a", "b"]


def test_a_rescue_that_fails_fails_the_scope_by_itself():
    scope = started(task("a"), task("rescue", "a.failed"))
    fail(scope, "a")
    fail(scope, "rescue")
    assert [failure["path"] for failure in scope.state["failures"]] == ["rescue"]


def test_a_listener_that_ran_for_another_edge_handles_a_later_failure():
    scope = started(task("a"), task("b"), task("rescue", "a.failed b.failed", join="any"))
    fail(scope, "a")
    scope.succeed("rescue")
    fail(scope, "b")
    assert scope.state["outcome"] == "succeeded"


def test_any_runs_once_and_later_edges_change_nothing():
    scope = started(task("a"), task("b"), task("c", "a b", join="any"))
    scope.succeed("a")
    assert [command.path for command in scope.asked(RunTask)] == ["c"]
    scope.succeed("c")
    assert scope.state["status"] == "running"
    scope.succeed("b")
    assert scope.run("c")["attempt"] == 1
    assert scope.state["outcome"] == "succeeded"


def test_at_least_is_skipped_as_soon_as_it_cannot_be_reached():
    scope = started(task("a"), task("b"), task("c"), task("d", "a b c", join="at_least", n=2))
    fail(scope, "a")
    assert scope.status("d") == "pending"
    fail(scope, "b")
    assert scope.status("d") == "skipped"


def test_merge_waits_for_all_and_runs_over_skipped_branches():
    scope = started(task("a"), task("left", "a"), task("right", "a.failed"), task("end", "left right", join="merge"))
    scope.succeed("a")
    assert scope.status("right") == "skipped"
    assert scope.status("end") == "pending"
    scope.succeed("left")
    assert scope.status("end") == "queued"


def test_a_task_that_a_worker_stopped_unasked_is_a_negative_outcome_that_can_be_handled():
    scope = started(task("a"), task("rescue", "a.cancelled"))
    scope.take(TaskCancelled, task="a", attempt=1)
    assert scope.status("rescue") == "queued"


def test_long_chains_of_skips_need_no_stack():
    entries = [task("t0"), *(task(f"t{i}", f"t{i - 1}") for i in range(1, 3_000))]
    scope = started(*entries)
    fail(scope, "t0")
    assert scope.status("t2999") == "skipped"
    assert scope.state["status"] == "settled"
