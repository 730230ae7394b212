"""Tasks that no worker runs: `values`, `wait` and `approval`."""

from __future__ import annotations

import pytest

from engine.core.commands import AskApprovers, CloseApproval, OpenApproval, RecordDecision, RunTask
from engine.core.events import (
    ApproversAsked,
    AskingFailed,
    AttemptAlive,
    AttemptUnclaimed,
    DecisionMade,
    TaskSucceeded,
    TimersDue,
)
from engine.core.model import Retry
from engine.core.outputs import LIMIT
from engine.core.outstanding import outstanding
from engine.core.replay import replay
from engine.core.summary import instance_state, next_due
from tests.core.build import CONTEXT, START, started, task


def approval(needs="", **params):
    return task("ok", needs, kind="approval", params={"message": "Go?", "approvers": ["group:managers"], **params})


def decide_(scope, person, decision="approved", **keys):
    scope.take(DecisionMade, task="ok", attempt=1, person=person, decision=decision, via="link", **keys)


def test_values_are_their_parameters_and_the_next_task_starts_in_the_same_event():
    scope = started(task("v", kind="values", params={"a": 1}), task("next", "v"))
    assert scope.run("v")["outputs"] == {"a": 1}
    assert [command.path for command in scope.asked(RunTask)] == ["next"]


@pytest.mark.parametrize("span", [90_000, "90s", "1m30s", "PT1M30S"])
def test_wait_ends_by_timer_and_not_before(span):
    scope = started(task("w", kind="wait", params={"for": span}), task("next", "w"))
    assert instance_state(scope.state, None) == "waiting"
    assert next_due(scope.state) == START + 90_000
    scope.take(TimersDue, after=89_999)
    assert not scope.accepted
    scope.take(TimersDue, after=1)
    assert scope.status("w") == "succeeded"
    assert [command.path for command in scope.asked(RunTask)] == ["next"]


def test_wait_until_a_time_and_not_at_all_if_it_has_passed():
    assert (
        started(task("w", kind="wait", params={"until": "1970-01-01T00:17:00Z"})).run("w")["timers"]["wait"]
        == 1_020_000
    )
    assert started(task("w", kind="wait", params={"until": "1970-01-01T00:00:01+00:00"})).status("w") == "succeeded"
    assert started(task("w", kind="wait", params={"for": 0})).status("w") == "succeeded"


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"for": "soon"},
        {"for": -1},
        {"for": True},
        {"for": "P1Y"},
        {"until": "2030-01-01"},
        {"until": 5},
        {"for": 1, "until": "x"},
        {"for": "99999999d"},
    ],
)
def test_a_wait_that_makes_no_sense_fails(params):
    scope = started(task("w", kind="wait", params=params))
    assert scope.run("w")["error"]["kind"] == "invalid"


def test_a_worker_cannot_end_what_waits():
    scope = started(task("w", kind="wait", params={"for": 5}))
    scope.take(TaskSucceeded, task="w", attempt=1)
    assert not scope.accepted


def test_an_approval_opens_and_its_people_are_asked():
    scope = started(
        approval(require=2, exclude=["author"], form={"ticket": {"type": "string"}}, expires="24h", channel="ops")
    )
    assert scope.asked(OpenApproval) == [
        OpenApproval(
            path="ok",
            attempt=1,
            message="Go?",
            approvers=["group:managers"],
            require=2,
            exclude=["author"],
            form={"ticket": {"type": "string"}},
            channel="ops",
            expires_at=START + 86_400_000,
        )
    ]
    assert scope.asked(AskApprovers) == [AskApprovers(instance="i1", path="ok", attempt=1, workflow="w")]
    assert instance_state(scope.state, None) == "waiting"


def test_enough_approvals_settle_it_with_form_comment_and_people():
    scope = started(approval(require=2), task("next", "ok"))
    decide_(scope, "ana", comment="fine", form={"ticket": "CHG-1"})
    assert scope.status("ok") == "waiting"
    assert [command.person for command in scope.asked(RecordDecision)] == ["ana"]
    decide_(scope, "ben", form={"note": "x"})
    assert scope.status("ok") == "approved"
    assert scope.run("ok")["outputs"] == {
        "ticket": "CHG-1",
        "note": "x",
        "comment": "fine",
        "decided_by": ["ana", "ben"],
    }
    assert scope.asked(CloseApproval) == [CloseApproval(path="ok", attempt=1, outcome="approved")]
    assert [command.path for command in scope.asked(RunTask)] == ["next"]


def test_a_decision_that_brings_more_than_can_be_kept_does_not_count():
    scope = started(approval(require=3, expires="24h"), task("no", "ok.rejected"))
    decide_(scope, "ana", form={"note": "x" * LIMIT})
    assert not scope.accepted
    decide_(scope, "ana", form={"note": "x" * (LIMIT - 100)})
    assert scope.accepted
    for keys in ({"form": {"more": "x" * 50}}, {"comment": "x" * 50}):
        decide_(scope, "ben", **keys)
        assert not scope.accepted
        assert scope.commands == ()
    decide_(scope, "ben")
    assert scope.accepted, "nobody's form keeps others from deciding"
    decide_(scope, "cleo", "rejected", comment="x")
    assert not scope.accepted
    decide_(scope, "cleo", "rejected")
    assert scope.status("ok") == "rejected"
    assert replay(scope.definition, CONTEXT, scope.history) == {"": scope.state}


def test_a_persons_first_decision_counts():
    scope = started(approval(require=2))
    decide_(scope, "ana")
    decide_(scope, "ana", "rejected")
    assert not scope.accepted
    assert scope.status("ok") == "waiting"


def test_one_rejection_settles_it_and_is_negative_unless_heard():
    scope = started(approval(require=2), task("refused", "ok.rejected"))
    decide_(scope, "ana")
    decide_(scope, "ben", "rejected", comment="no")
    assert scope.run("ok")["outputs"] == {"comment": "no", "decided_by": ["ana", "ben"]}
    assert scope.status("refused") == "queued"
    alone = started(approval())
    decide_(alone, "ben", "rejected")
    assert alone.state["outcome"] == "failed"


def test_a_decision_after_the_end_or_for_another_attempt_changes_nothing():
    scope = started(approval(), task("slow"))
    scope.take(DecisionMade, task="ok", attempt=2, person="ana", decision="approved")
    assert not scope.accepted
    scope.take(DecisionMade, task="slow", attempt=1, person="ana", decision="approved")
    assert not scope.accepted
    decide_(scope, "ana")
    decide_(scope, "ben")
    assert not scope.accepted


def test_it_expires_without_a_comment():
    scope = started(approval(require=2, expires=60_000), task("late", "ok.expired"))
    decide_(scope, "ana", comment="fine")
    scope.take(TimersDue, after=60_000)
    assert scope.status("ok") == "expired"
    assert scope.run("ok")["outputs"] == {"decided_by": ["ana"]}
    assert scope.status("late") == "queued"


def test_telling_the_approvers_is_outstanding_until_it_was_done():
    scope = started(approval())
    asking = tuple(scope.asked(AskApprovers))
    assert outstanding(scope.definition, scope.state, CONTEXT) == asking
    scope.take(AttemptAlive, task="ok", attempt=1, after=20_000)
    scope.take(AttemptUnclaimed, task="ok", attempt=1, after=30_000)
    assert scope.commands == asking
    scope.take(ApproversAsked, task="ok", attempt=1)
    assert outstanding(scope.definition, scope.state, CONTEXT) == ()
    assert next_due(scope.state) is None
    scope.take(ApproversAsked, task="ok", attempt=1)
    assert not scope.accepted


def test_telling_them_is_tried_again_with_growing_pauses_while_anybody_may_decide():
    scope = started(approval())
    pauses = []
    for _ in range(7):
        scope.take(AskingFailed, task="ok", attempt=1, message="no route")
        assert outstanding(scope.definition, scope.state, CONTEXT) == ()
        scope.take(AskingFailed, task="ok", attempt=1, message="no route")
        assert not scope.accepted
        pauses.append(next_due(scope.state) - scope.now)
        scope.take(TimersDue, after=pauses[-1])
        assert scope.asked(AskApprovers)
    assert pauses == [30_000, 60_000, 120_000, 240_000, 480_000, 600_000, 600_000]
    decide_(scope, "ana")
    assert scope.state["outcome"] == "succeeded"


@pytest.mark.parametrize(
    "params",
    [{"require": 0}, {"require": "2"}, {"expires": "tomorrow"}, {"approvers": [1]}, {"message": 5}, {"form": []}],
)
def test_an_approval_that_makes_no_sense_fails_and_opens_nothing(params):
    scope = started(approval(**params))
    assert scope.run("ok")["error"]["kind"] == "invalid"
    assert scope.asked(OpenApproval) == []


def test_an_approval_that_timed_out_and_is_retried_is_opened_anew():
    twice = Retry(max_attempts=2, delay=1_000)
    scope = started(task("ok", kind="approval", params={"message": "Go?"}, timeout=5_000, retry=twice))
    scope.take(TimersDue, after=5_000)
    assert scope.commands == (CloseApproval(path="ok", attempt=1, outcome="failed"),)
    decide_(scope, "ana")
    assert not scope.accepted
    assert outstanding(scope.definition, scope.state, CONTEXT) == ()
    scope.take(TimersDue, after=1_100)
    assert [command.attempt for command in scope.asked(OpenApproval)] == [2]
    assert scope.run("ok")["approval"] == {"require": 1, "decisions": {}}
