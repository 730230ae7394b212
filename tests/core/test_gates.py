"""What stands before an attempt: every gate alone and together, and at each of them a pause, a cancellation, a deadline."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.core.commands import (
    CancelTask,
    KeepOutputs,
    LookUpCache,
    ReleaseSlot,
    RunTask,
    TakeSlot,
    TakeTurn,
)
from engine.core.events import (
    AttemptLost,
    CacheAnswered,
    CancelRequested,
    DecisionMade,
    PauseRequested,
    ResumeRequested,
    RetryRequested,
    ScopeSettled,
    SlotAnswered,
    TaskCancelled,
    TaskFailed,
    TaskResolved,
    TaskStarted,
    TaskSucceeded,
    TimersDue,
    TurnAnswered,
)
from engine.core.expressions.model import Literal
from engine.core.gates import ASK_AGAIN, ASK_AGAIN_AT_MOST
from engine.core.model import Cache, Concurrency, RateLimit, Retry, TaskList
from engine.core.outstanding import outstanding
from engine.core.replay import replay
from engine.core.summary import instance_state, next_due
from tests.core.build import CONTEXT, START, cel, started, task

GROUP = Concurrency(group=Literal(value="deploy"))
RATE = RateLimit(group=Literal(value="api"), limit=10, per=60_000)
CACHE = Cache(key=Literal(value="k1"), ttl=3_600_000)
BROKEN = {"kind": "exit", "message": "status 1"}


def slot(scope, answer="granted", **keys):
    scope.take(SlotAnswered, **{"task": "a", "attempt": 1, "answer": answer, **keys})


def kinds(scope):
    return [command.type for command in scope.commands]


def check_replay(scope):
    assert replay(scope.definition, CONTEXT, scope.history) == {"": scope.state}


def test_a_task_without_gates_is_asked_for_at_once():
    assert kinds(started(task("a"))) == ["RunTask"]


def test_a_task_starts_when_it_has_a_slot_and_gives_it_back_with_its_end():
    scope = started(task("a", concurrency=GROUP), task("b", "a"))
    assert scope.commands == (TakeSlot(group="deploy", limit=1, when_full="queue", task="a", attempt=1),)
    assert scope.run("a")["gate"] == "slot"
    assert outstanding(scope.definition, scope.state, CONTEXT) == (), "nobody works on it yet"
    slot(scope)
    assert kinds(scope) == ["RunTask"]
    assert "gate" not in scope.run("a")
    slot(scope)
    assert not scope.accepted
    scope.succeed("a")
    assert [command.type for command in scope.commands] == ["ReleaseSlot", "RunTask"]
    assert scope.commands[0] == ReleaseSlot(group="deploy", task="a")
    check_replay(scope)


def test_who_waits_for_a_slot_asks_again_with_growing_pauses():
    scope = started(task("a", concurrency=GROUP))
    slot(scope, "waiting")
    assert scope.status("a") == "queued"
    assert instance_state(scope.state, None) == "running"
    pause, seen = ASK_AGAIN, []
    for _ in range(5):
        assert next_due(scope.state) == scope.now + pause
        scope.take(TimersDue, after=pause)
        assert scope.asked() == [TakeSlot(group="deploy", limit=1, when_full="queue", task="a", attempt=1)]
        seen.append(pause)
        slot(scope, "waiting")
        assert not scope.accepted, "it knows"
        pause = min(2 * pause, ASK_AGAIN_AT_MOST)
    assert seen == [20_000, 40_000, 80_000, 160_000, 160_000]
    slot(scope)
    assert kinds(scope) == ["RunTask"]
    check_replay(scope)


def test_a_full_group_that_rejects_fails_the_attempt_which_may_be_tried_again():
    full = replace(GROUP, when_full="reject")
    scope = started(task("a", concurrency=full))
    slot(scope, "refused")
    assert scope.run("a")["error"]["kind"] == "concurrency"
    assert scope.status("a") == "failed"
    assert ReleaseSlot(group="deploy", task="a") not in scope.commands, "it never had one"

    scope = started(task("a", concurrency=full, retry=Retry(max_attempts=2, delay=1_000)))
    slot(scope, "refused")
    assert scope.status("a") == "waiting"
    scope.take(TimersDue, after=2_000)
    assert scope.asked(TakeSlot)[0].attempt == 2
    slot(scope, attempt=2)
    assert kinds(scope) == ["RunTask"]
    check_replay(scope)


def test_an_attempt_that_stands_at_a_gate_is_with_no_worker():
    scope = started(task("a", concurrency=GROUP))
    for event, keys in [(TaskSucceeded, {}), (TaskFailed, {"error": BROKEN}), (TaskStarted, {}), (TaskCancelled, {})]:
        scope.take(event, task="a", attempt=1, **keys)
        assert not scope.accepted
    slot(scope, attempt=2)
    assert not scope.accepted, "an answer to another attempt"


@pytest.mark.parametrize(("hold", "given_back"), [(False, True), (True, False)])
def test_a_pause_before_the_next_attempt_gives_the_slot_back_unless_it_is_held(hold, given_back):
    wish = replace(GROUP, hold_while_waiting=hold)
    scope = started(task("a", concurrency=wish, retry=Retry(max_attempts=2)))
    slot(scope)
    scope.take(TaskFailed, task="a", attempt=1, error=BROKEN)
    assert scope.asked(ReleaseSlot) == ([ReleaseSlot(group="deploy", task="a")] if given_back else [])
    scope.take(TimersDue, after=2_000)
    assert scope.commands == (TakeSlot(group="deploy", limit=1, when_full="queue", task="a", attempt=2),)
    slot(scope, attempt=2)
    scope.take(TaskFailed, task="a", attempt=2, error=BROKEN)
    assert scope.asked(ReleaseSlot) == [ReleaseSlot(group="deploy", task="a")]
    check_replay(scope)


def test_a_next_attempt_without_a_pause_keeps_the_slot_of_the_last():
    scope = started(task("a", concurrency=GROUP, retry=Retry(max_attempts=2, delay=0)))
    slot(scope)
    scope.take(TaskFailed, task="a", attempt=1, error=BROKEN)
    assert kinds(scope) == ["TakeSlot"]
    slot(scope, attempt=2)
    scope.take(AttemptLost, task="a", attempt=2)
    assert kinds(scope) == ["TakeSlot"]
    check_replay(scope)


@pytest.mark.parametrize("hold", [False, True])
def test_a_task_that_waits_for_people_gives_its_slot_back_unless_it_is_held(hold):
    wish = replace(GROUP, hold_while_waiting=hold)
    ask = task("a", kind="approval", concurrency=wish, params={"message": "Go?", "approvers": ["ana"]})
    scope = started(ask)
    slot(scope)
    assert kinds(scope)[:2] == ["OpenApproval", "AskApprovers"]
    assert (ReleaseSlot(group="deploy", task="a") in scope.commands) is not hold
    scope.take(DecisionMade, task="a", attempt=1, person="ana", decision="approved")
    assert (ReleaseSlot(group="deploy", task="a") in scope.commands) is hold
    check_replay(scope)


def test_the_name_of_a_group_is_rendered_for_the_task_and_has_to_be_a_text():
    scope = started(task("a", concurrency=Concurrency(group=cel("inputs.service"), limit=3)))
    assert scope.asked(TakeSlot)[0].group == "billing"
    assert scope.asked(TakeSlot)[0].limit == 3
    for group, kind in [(cel("inputs.nothing"), "expression"), (cel("[1]"), "invalid"), (cel("''"), "invalid")]:
        for gate in ({"concurrency": Concurrency(group=group)}, {"rate_limit": replace(RATE, group=group)}):
            scope = started(task("a", **gate))
            assert scope.status("a") == "failed"
            assert kind == "invalid" or "line" in scope.run("a")["error"]
            assert kinds(scope) == ["SettleScope"]


def test_an_earlier_success_is_taken_instead_of_an_attempt_and_never_kept_again():
    scope = started(task("a", cache=CACHE, concurrency=GROUP), task("b", "a"))
    assert scope.commands == (LookUpCache(task="a", attempt=1, path="a", key="k1", ttl=3_600_000),)
    scope.take(CacheAnswered, task="a", attempt=1, hit=True, outputs={"n": 7})
    assert scope.run("a")["cached"] is True
    assert scope.run("a")["outputs"] == {"n": 7}
    assert kinds(scope) == ["RunTask"], "of the next task; nothing was taken or kept"
    check_replay(scope)


def test_a_miss_goes_on_and_only_a_success_is_kept():
    scope = started(task("a", cache=CACHE, retry=Retry(max_attempts=3, delay=0)))
    scope.take(CacheAnswered, task="a", attempt=1, hit=False)
    assert kinds(scope) == ["RunTask"]
    scope.take(TaskFailed, task="a", attempt=1, error=BROKEN)
    assert kinds(scope) == ["RunTask"], "it is asked once, not for every attempt"
    scope.succeed("a", outputs={"n": 7})
    assert scope.asked(KeepOutputs) == [KeepOutputs(path="a", key="k1", outputs={"n": 7})]
    check_replay(scope)

    scope = started(task("a", cache=CACHE))
    scope.take(CacheAnswered, task="a", attempt=1, hit=False)
    scope.take(TaskFailed, task="a", attempt=1, error=BROKEN)
    assert scope.asked(KeepOutputs) == []


def test_what_was_undone_takes_no_earlier_result_in_a_retry():
    """Definitions of before decision 27 may say so."""
    undo = TaskList(tasks={"": task("")}, followers={"": ()})
    scope = started(task("a", cache=CACHE, compensate=undo), task("b", "a"))
    scope.take(CacheAnswered, task="a", attempt=1, hit=False)
    scope.succeed("a")
    scope.take(TaskFailed, task="b", attempt=1, error=BROKEN)
    scope.take(ScopeSettled, scope="a/compensate", outcome="succeeded")
    assert scope.run("a")["undone"] is True
    scope.take(RetryRequested, by="ana")
    assert scope.asked(LookUpCache) == [
        LookUpCache(task="a", attempt=2, path="a", key="k1", ttl=3_600_000, afresh=True)
    ]
    check_replay(scope)


def test_a_key_may_be_any_value_and_a_long_one_is_kept_as_its_hash():
    found = [
        started(task("a", cache=Cache(key=Literal(value=value)))).asked(LookUpCache)[0].key
        for value in ("x", {"b": 1, "a": [None, True]}, {"a": [None, True], "b": 1}, 5, "y" * 300, "z" * 300)
    ]
    assert found[:4] == ["x", '{"a":[null,true],"b":1}', '{"a":[null,true],"b":1}', "5"]
    assert all(key.startswith("sha256:") for key in found[4:])
    assert found[4] != found[5]


def test_a_rate_limit_makes_wait_until_it_is_the_tasks_turn():
    scope = started(task("a", rate_limit=RATE))
    assert scope.commands == (TakeTurn(group="api", limit=10, per=60_000, task="a", attempt=1),)
    scope.take(TurnAnswered, task="a", attempt=1, due=START + 5_000)
    assert scope.status("a") == "waiting"
    assert instance_state(scope.state, None) == "waiting"
    assert next_due(scope.state) == START + 5_000
    scope.take(TurnAnswered, task="a", attempt=1, due=START)
    assert not scope.accepted, "one turn is enough"
    scope.take(TimersDue, after=5_000)
    assert kinds(scope) == ["RunTask"]
    assert scope.status("a") == "queued"
    check_replay(scope)


def test_all_gates_stand_in_their_order_and_every_attempt_takes_slot_and_turn_again():
    scope = started(task("a", cache=CACHE, concurrency=GROUP, rate_limit=RATE, retry=Retry(max_attempts=2)))
    seen = kinds(scope)
    scope.take(CacheAnswered, task="a", attempt=1, hit=False)
    seen += kinds(scope)
    slot(scope)
    seen += kinds(scope)
    scope.take(TurnAnswered, task="a", attempt=1, due=START + 10)
    assert scope.asked(ReleaseSlot) == [], "it does not wait for anybody"
    scope.take(TimersDue, after=10)
    seen += kinds(scope)
    scope.take(TaskFailed, task="a", attempt=1, error=BROKEN)
    seen += kinds(scope)
    scope.take(TimersDue, after=2_000)
    seen += kinds(scope)
    slot(scope, attempt=2)
    seen += kinds(scope)
    scope.take(TurnAnswered, task="a", attempt=2, due=0)
    seen += kinds(scope)
    scope.succeed("a")
    seen += kinds(scope)
    first = ["LookUpCache", "TakeSlot", "TakeTurn", "RunTask", "ReleaseSlot"]
    assert seen == [*first, "TakeSlot", "TakeTurn", "RunTask", "ReleaseSlot", "KeepOutputs", "SettleScope"]
    check_replay(scope)


def at_the_gates(hold=False, **keys):
    """A task at each of its gates, by the gate's name."""
    wish = replace(GROUP, hold_while_waiting=hold)
    for name in ("cache", "slot", "in line", "rate", "turn"):
        scope = started(task("a", cache=CACHE, concurrency=wish, rate_limit=RATE, **keys), task("b", "a.cancelled"))
        if name != "cache":
            scope.take(CacheAnswered, task="a", attempt=1, hit=False)
        if name == "in line":
            slot(scope, "waiting")
        if name in ("rate", "turn"):
            slot(scope)
        if name == "turn":
            scope.take(TurnAnswered, task="a", attempt=1, due=START + 500_000)
        yield name, scope


def test_a_cancelled_task_gives_up_its_place_at_any_gate():
    for name, scope in at_the_gates():
        scope.take(CancelRequested, by="ana")
        assert scope.status("a") == "cancelled", name
        assert scope.asked(ReleaseSlot) == ([] if name == "cache" else [ReleaseSlot(group="deploy", task="a")])
        assert scope.asked(CancelTask) == [], "nobody is at work on it"
        assert scope.state["status"] == "settled"
        slot(scope)
        assert not scope.accepted, "a slot that comes too late is not taken"
        check_replay(scope)


def test_a_deadline_passes_at_any_gate():
    for name, scope in at_the_gates(deadline=5_000):
        scope.take(TimersDue, after=5_000)
        assert scope.run("a")["error"]["kind"] == "timeout", name
        assert scope.asked(ReleaseSlot) == ([] if name == "cache" else [ReleaseSlot(group="deploy", task="a")])
        assert scope.asked(CancelTask) == []


def test_somebody_can_cancel_a_task_at_any_gate():
    for name, scope in at_the_gates():
        scope.take(TaskResolved, task="a", resolution="cancelled", by="concurrency", error=BROKEN)
        assert scope.status("a") == "cancelled", name
        assert scope.run("a")["by"] == "concurrency"
        assert scope.run("a")["error"] == BROKEN
        assert [command.path for command in scope.asked(RunTask)] == ["b"]
        scope.take(TaskResolved, task="a", resolution="cancelled", by="concurrency")
        assert not scope.accepted


def test_a_running_task_that_is_cancelled_ends_when_its_worker_has_stopped_and_is_not_tried_again():
    for answer in ({}, {"error": BROKEN}):
        scope = started(task("a", concurrency=GROUP, retry=Retry(max_attempts=3)))
        slot(scope)
        scope.take(TaskStarted, task="a", attempt=1)
        scope.take(TaskResolved, task="a", resolution="cancelled", by="concurrency")
        assert kinds(scope) == ["CancelTask"]
        assert outstanding(scope.definition, scope.state, CONTEXT) == scope.commands
        scope.take(TaskResolved, task="a", resolution="cancelled", by="concurrency")
        assert not scope.accepted
        scope.take(TaskFailed if answer else TaskCancelled, task="a", attempt=1, **answer)
        assert scope.status("a") == "cancelled"
        assert scope.asked(ReleaseSlot) == [ReleaseSlot(group="deploy", task="a")]
        check_replay(scope)


def test_an_approval_that_holds_its_slot_makes_room_too():
    wish = replace(GROUP, hold_while_waiting=True)
    ask = task("a", kind="approval", concurrency=wish, params={"message": "Go?", "approvers": ["ana"]})
    scope = started(ask)
    slot(scope)
    scope.take(TaskResolved, task="a", resolution="cancelled", by="ana")
    assert not scope.accepted, "people decide it"
    scope.take(TaskResolved, task="a", resolution="cancelled", by="concurrency")
    assert scope.status("a") == "cancelled"
    assert {"CloseApproval", "ReleaseSlot"} <= set(kinds(scope))


def test_who_makes_room_cancels_the_attempt_he_knew_of_and_no_later_one():
    scope = started(task("a", concurrency=GROUP))
    slot(scope)
    scope.take(AttemptLost, task="a", attempt=1)
    slot(scope, attempt=2)
    told = {"task": "a", "resolution": "cancelled", "by": "concurrency"}
    scope.take(TaskResolved, **told, attempt=1)
    assert not scope.accepted
    scope.take(TaskResolved, **told, attempt=2)
    assert scope.asked(CancelTask) == [CancelTask(instance="i1", path="a", attempt=2)]


def test_while_the_instance_is_paused_nothing_goes_through_and_what_it_had_is_given_back():
    for name, scope in at_the_gates():
        scope.take(PauseRequested, by="ana")
        if name == "cache":
            scope.take(CacheAnswered, task="a", attempt=1, hit=False)
        elif name in ("slot", "in line"):
            slot(scope)
        elif name == "rate":
            scope.take(TurnAnswered, task="a", attempt=1, due=0)
        else:
            scope.take(TimersDue, after=500_000)
        assert scope.accepted, name
        assert scope.asked(ReleaseSlot) == ([] if name == "cache" else [ReleaseSlot(group="deploy", task="a")])
        assert scope.run("a")["held"] == "gate"
        scope.take(ResumeRequested, by="ana")
        assert scope.asked() == [TakeSlot(group="deploy", limit=1, when_full="queue", task="a", attempt=2)]
        slot(scope, attempt=1)
        assert not scope.accepted, "meant for the wish that was given up"
        slot(scope, attempt=2)
        scope.take(TurnAnswered, task="a", attempt=2, due=0)
        assert kinds(scope) == ["RunTask"]
        check_replay(scope)


def test_a_hit_counts_while_the_instance_is_paused():
    scope = started(task("a", cache=CACHE))
    scope.take(PauseRequested, by="ana")
    scope.take(CacheAnswered, task="a", attempt=1, hit=True, outputs={})
    assert scope.status("a") == "succeeded"
