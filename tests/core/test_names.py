"""What expressions read, where they are evaluated, and what an error in one does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.core.commands import OpenScope, RunTask, SettleScope
from engine.core.events import AttemptUnclaimed, DecisionMade, ScopeStarted, TaskFailed, TimersDue
from engine.core.expressions.model import Literal, Text
from engine.core.expressions.render import finish
from engine.core.keys import FINALLY
from engine.core.model import Retry
from engine.core.outstanding import outstanding
from tests.core.build import CONTEXT, Scope, cel, define, mapping, started, task

BROKEN = {"kind": "exit", "message": "status 1"}


def params(scope, path):
    return next(command.params for command in scope.asked(RunTask) if command.path == path)


def test_parameters_read_inputs_vars_instance_and_outputs():
    given = mapping(
        service=cel("inputs.service"),
        where=cel("vars.where"),
        who=cel("instance.started_by + '/' + instance.id + '/' + instance.state"),
        image=Text(parts=("r/", cel("tasks.a.outputs.image"))),
        how=cel("tasks.a.outcome"),
    )
    scope = started(task("a"), task("b", "a", params=given), vars={"where": "eu"})
    scope.succeed("a", outputs={"image": "x:1"})
    assert params(scope, "b") == {
        "service": "billing",
        "where": "eu",
        "who": "ana/i1/running",
        "image": "r/x:1",
        "how": "succeeded",
    }


def test_an_error_in_parameters_fails_the_task_at_once_and_names_its_place():
    scope = started(
        task("a", retry=Retry(max_attempts=3), params=mapping(x=cel("inputs.nothing"))), task("rescue", "a.failed")
    )
    error = scope.run("a")["error"]
    assert (error["kind"], error["line"]) == ("expression", 7)
    assert error["column"] >= 5
    assert [command.path for command in scope.asked(RunTask)] == ["rescue"]


def test_outputs_and_error_of_a_failed_task_and_none_of_a_skipped_one():
    scope = started(
        task("a"),
        task("b", "a"),
        task(
            "c",
            "a.failed b.skipped",
            params=mapping(
                why=cel("tasks.a.error.kind"), b=cel("tasks.b.outputs.?x.orValue('none') + tasks.b.outcome")
            ),
        ),
    )
    scope.take(TaskFailed, task="a", attempt=1, error=BROKEN)
    assert params(scope, "c") == {"why": "exit", "b": "noneskipped"}


def test_a_false_if_skips_and_says_what_it_read():
    scope = started(
        task("a"), task("b", "a", condition=cel("tasks.a.outputs.n > 3 && inputs.service == 'billing'")), task("c", "b")
    )
    scope.succeed("a", outputs={"n": 1})
    assert scope.run("b")["skipped"] == {
        "cause": "condition",
        "condition": "tasks.a.outputs.n > 3 && inputs.service == 'billing'",
        "values": {"tasks.a.outputs.n": 1, "inputs.service": "billing"},
    }
    assert scope.run("c")["skipped"]["edge"] == "b.succeeded"


def test_a_true_if_runs():
    assert started(task("a", condition=cel("inputs.service.size() == 7"))).status("a") == "queued"


@pytest.mark.parametrize("source", ["inputs.nothing", "inputs.service", "1 / 0 == 1"])
def test_an_if_that_gives_no_answer_fails_the_task(source):
    scope = started(task("a", condition=cel(source)), task("b", "a"))
    assert scope.run("a")["error"]["kind"] == "expression"
    assert scope.status("b") == "skipped"
    assert scope.state["outcome"] == "failed"


def test_a_condition_does_not_keep_large_values_in_state():
    scope = started(
        task("a"), task("b", "a", condition=cel("tasks.a.outputs.text == '' || tasks.a.outputs.list.size() == 0"))
    )
    scope.succeed("a", outputs={"text": "x" * 10_000, "list": [1] * 10_000})
    assert scope.run("b")["skipped"]["values"] == {
        "tasks.a.outputs.text": "x" * 200 + "…",
        "tasks.a.outputs.list": "a list of 10000",
    }


def test_a_task_never_sees_what_settled_after_its_join_was_decided():
    seen = cel("tasks.slow.outputs.?n.orValue(0)")
    scope = started(
        task("fast"),
        task("slow"),
        task("c", "fast slow", join="any", params=mapping(n=seen)),
        task("d", "c", params=mapping(n=seen)),
        task("e", "d"),
    )
    scope.succeed("fast")
    first = scope.asked(RunTask)
    scope.succeed("slow", outputs={"n": 5})
    assert outstanding(scope.definition, scope.state, CONTEXT) == tuple(first)
    scope.take(AttemptUnclaimed, task="c", attempt=1, after=20_000)
    assert scope.asked(RunTask) == first
    assert first[0].params == {"n": 0}
    scope.succeed("c")
    assert params(scope, "d") == {"n": 5}


def test_retry_if_reads_the_error_and_says_no():
    policy = Retry(max_attempts=3, delay=1_000, condition=cel("error.kind != 'http_4xx'"))
    scope = started(task("a", retry=policy))
    scope.take(TaskFailed, task="a", attempt=1, error=BROKEN)
    assert scope.status("a") == "waiting"
    scope.take(TimersDue, after=1_100)
    scope.take(TaskFailed, task="a", attempt=2, error={"kind": "http_4xx", "message": "404"})
    assert scope.run("a")["error"]["kind"] == "http_4xx"
    assert scope.status("a") == "failed"


def test_retry_if_reads_other_tasks_too():
    policy = Retry(max_attempts=2, condition=cel("tasks.a.outputs.again"))
    scope = started(task("a"), task("b", "a", retry=policy))
    scope.succeed("a", outputs={"again": True})
    scope.take(TaskFailed, task="b", attempt=1, error=BROKEN)
    assert scope.status("b") == "waiting"


def test_an_error_in_retry_if_fails_the_task_and_keeps_the_attempts_own_error():
    scope = started(task("a", retry=Retry(max_attempts=3, condition=cel("error.details.status == 500"))))
    scope.take(TaskFailed, task="a", attempt=1, error=BROKEN)
    error = scope.run("a")["error"]
    assert error["kind"] == "expression"
    assert error["details"] == {"attempt_error": BROKEN}


def test_secrets_wait_for_the_worker():
    scope = started(
        task(
            "a",
            params=mapping(token=cel("secrets.token"), service=cel("inputs.service")),
            env=mapping(T=Text(parts=("x", cel("secrets.token")))),
        )
    )
    command = scope.asked(RunTask)[0]
    assert command.params["service"] == "billing"
    assert "$deferred" in command.params["token"]
    assert finish(command.params, lambda name: f"<{name}>") == {"token": "<token>", "service": "billing"}
    assert finish(command.env, lambda name: f"<{name}>") == {"T": "x<token>"}


def test_a_literal_that_looks_deferred_stays_what_it_is():
    scope = started(task("a", params={"x": {"$deferred": {"value": 1}}}))
    assert finish(scope.asked(RunTask)[0].params, lambda name: name) == {"x": {"$deferred": {"value": 1}}}


def test_a_values_task_cannot_read_secrets():
    assert (
        started(task("v", kind="values", params=mapping(x=cel("secrets.token")))).run("v")["error"]["kind"]
        == "expression"
    )


def test_an_approvals_answer_can_be_read():
    scope = started(
        task("ok", kind="approval", params=mapping(message=Text(parts=("Release ", cel("inputs.service"), "?")))),
        task("b", "ok", params=mapping(by=cel("tasks.ok.outputs.decided_by[0]"), why=cel("tasks.ok.outputs.comment"))),
    )
    assert scope.commands[0].message == "Release billing?"
    scope.take(DecisionMade, task="ok", attempt=1, person="ana", decision="approved", comment="go")
    assert params(scope, "b") == {"by": "ana", "why": "go"}


def test_the_scopes_outputs_and_an_error_in_them():
    scope = started(task("a"), outputs=mapping(n=cel("tasks.a.outputs.n")))
    scope.succeed("a", outputs={"n": 4})
    assert scope.commands == (SettleScope(outcome="succeeded", outputs={"n": 4}),)
    broken = started(task("a"), outputs=mapping(n=cel("tasks.a.outputs.n")))
    broken.succeed("a")
    assert broken.state["outcome"] == "failed"
    assert broken.state["error"]["line"] == 7
    assert broken.state["failures"] == [{"path": "", "outcome": "failed", "error": broken.state["error"]}]


def test_outputs_of_a_failed_scope_are_not_evaluated():
    scope = started(task("a"), outputs=mapping(n=cel("tasks.a.outputs.n")))
    scope.take(TaskFailed, task="a", attempt=1, error=BROKEN)
    assert [failure["path"] for failure in scope.state["failures"]] == ["a"]


def test_finally_reads_how_the_instance_ends_and_what_its_tasks_gave():
    report = mapping(
        state=cel("instance.state"),
        failed=cel("instance.failures.map(f, f.path)"),
        n=cel("tasks.a.outputs.n"),
        own=cel("tasks.first.outcome"),
    )
    root = Scope(
        define(
            task("a"),
            task("b"),
            task("first"),
            finally_=(task("first", kind="values"), task("report", "first", params=report)),
        )
    ).start()
    root.succeed("a", outputs={"n": 3})
    root.take(TaskFailed, task="first", attempt=1, error=BROKEN)
    root.take(TaskFailed, task="b", attempt=1, error=BROKEN)
    opened = root.asked(OpenScope)[0]
    scope = Scope(root.definition, context=replace(CONTEXT, scope=FINALLY, outer=(root.state,)))
    scope.take(ScopeStarted, ending=opened.ending, failures=opened.failures)
    assert params(scope, "finally/report") == {"state": "failed", "failed": ["b", "first"], "n": 3, "own": "succeeded"}
    assert outstanding(scope.definition, scope.state, scope.context) == tuple(scope.asked(RunTask))


def test_a_task_can_be_taken_by_a_computed_name():
    scope = started(
        task("a"),
        task("b"),
        task("c", "a", params=mapping(n=cel("tasks[inputs.service == 'x' ? 'b' : 'a'].outputs.n"))),
    )
    scope.succeed("a", outputs={"n": 1})
    assert params(scope, "c") == {"n": 1}
    assert scope.run("c")["unseen"] == ["b", "c"]


def test_a_wait_can_be_computed():
    scope = started(task("w", kind="wait", params=mapping(**{"for": cel("'9' + '0s'")})))
    assert scope.run("w")["timers"]["wait"] == scope.now + 90_000
    assert started(task("w", kind="wait", params=Literal(value={"for": "x"}))).status("w") == "failed"
