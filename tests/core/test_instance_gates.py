"""An instance of a concurrency group: it starts when it has a slot, and holds that until it is final."""

from __future__ import annotations

from engine.core.commands import (
    OpenScope,
    ReleaseSlot,
    RunTask,
    SettleScope,
    TakeSlot,
)
from engine.core.events import (
    CancelRequested,
    PauseRequested,
    ResumeRequested,
    RetryRequested,
    SlotAnswered,
    TaskFailed,
    TimersDue,
)
from engine.core.expressions.model import Literal
from engine.core.gates import ASK_AGAIN, ASK_AGAIN_AT_MOST
from engine.core.model import Concurrency
from engine.core.outstanding import outstanding
from engine.core.replay import replay
from engine.core.summary import instance_state
from tests.core.build import CONTEXT, Scope, cel, define, task

GROUP = Concurrency(group=Literal(value="deploy"))
BROKEN = {"kind": "exit", "message": "status 1"}


def slot(scope, answer="granted", **keys):
    scope.take(SlotAnswered, **{"task": "a", "attempt": 1, "answer": answer, **keys})


def kinds(scope):
    return [command.type for command in scope.commands]


def check_replay(scope):
    assert replay(scope.definition, CONTEXT, scope.history) == {"": scope.state}


WHOLE = {"task": "", "attempt": 0, "whole": True}


def queued(*entries, **keys) -> Scope:
    return Scope(define(*(entries or (task("a"),)), concurrency=GROUP, **keys)).start()


def test_an_instance_that_waits_for_long_asks_again_with_growing_pauses():
    """The simulator's seed 379: one that waited for a day had asked four thousand times, with two rows of history each."""
    scope = queued()
    pause, seen = ASK_AGAIN, []
    for _ in range(6):
        assert scope.take(TimersDue, after=pause - 1).accepted is False
        scope.take(TimersDue, after=1)
        assert kinds(scope) == ["TakeSlot"]
        seen.append(pause)
        pause = min(2 * pause, ASK_AGAIN_AT_MOST)
        slot(scope, "waiting", **WHOLE)
    assert seen == [20_000, 40_000, 80_000, 160_000, 160_000, 160_000]
    slot(scope, **WHOLE)
    assert "resends" not in scope.state
    check_replay(scope)


def test_an_instance_of_a_group_starts_when_it_has_a_slot_and_gives_it_back_when_it_is_final():
    scope = queued(timeout=60_000)
    assert scope.commands == (TakeSlot(group="deploy", limit=1, when_full="queue", whole=True),)
    assert instance_state(scope.state, None) == "queued"
    assert outstanding(scope.definition, scope.state, CONTEXT) == ()
    slot(scope, "waiting", **WHOLE)
    scope.take(TimersDue, after=ASK_AGAIN)
    assert kinds(scope) == ["TakeSlot"]
    slot(scope, **WHOLE)
    assert kinds(scope) == ["RunTask"]
    assert scope.state["timers"] == {"timeout": scope.now + 60_000}, "it counts from the start"
    slot(scope, **WHOLE)
    assert not scope.accepted
    scope.succeed("a")
    assert kinds(scope) == ["ReleaseSlot", "SettleScope"]
    assert scope.commands[0] == ReleaseSlot(group="deploy", whole=True)
    check_replay(scope)


def test_an_instance_holds_its_slot_until_finally_is_over():
    scope = queued(finally_=(task("tidy"),))
    slot(scope, **WHOLE)
    scope.succeed("a")
    assert kinds(scope) == ["OpenScope"]
    assert "group" in scope.state


def test_an_instance_of_a_full_group_fails_without_having_started():
    scope = queued(task("a"), task("b", "a"), finally_=(task("tidy"),))
    slot(scope, "refused", **WHOLE)
    assert scope.asked(OpenScope) == []
    (settled,) = scope.asked(SettleScope)
    assert settled.outcome == "failed"
    assert scope.state["error"]["kind"] == "concurrency"
    assert [scope.status(name) for name in ("a", "b")] == ["skipped", "skipped"]
    check_replay(scope)


def test_an_instance_whose_group_cannot_be_named_fails():
    for group in (cel("inputs.nothing"), cel("{}")):
        scope = Scope(define(task("a"), concurrency=Concurrency(group=group))).start()
        assert kinds(scope) == ["SettleScope"]
        assert scope.state["outcome"] == "failed"


def test_a_queued_instance_can_be_cancelled_and_paused():
    scope = queued(finally_=(task("tidy"),))
    scope.take(CancelRequested, by="ana", reason="not now")
    assert kinds(scope) == ["ReleaseSlot", "SettleScope"]
    assert scope.state["outcome"] == "cancelled"
    assert scope.state["cancel"]["by"] == "ana"
    slot(scope, **WHOLE)
    assert not scope.accepted

    scope = queued()
    scope.take(PauseRequested, by="ana")
    slot(scope, **WHOLE)
    assert scope.commands == ()
    scope.take(ResumeRequested, by="ana")
    assert kinds(scope) == ["RunTask"]


def test_an_instance_is_retried_once_it_has_a_slot_again():
    scope = queued(task("a"), task("b", "a"))
    slot(scope, **WHOLE)
    scope.take(TaskFailed, task="a", attempt=1, error=BROKEN)
    assert scope.state["outcome"] == "failed"
    before = scope.state
    again = {**WHOLE, "attempt": 1}
    for given_up in (True, False):
        scope.take(RetryRequested, by="ana")
        assert kinds(scope) == ["TakeSlot"]
        assert instance_state(scope.state, None) == "queued"
        slot(scope, **WHOLE)
        assert not scope.accepted, "meant for its first life"
        if given_up:
            scope.take(CancelRequested, by="ana")
            assert {**scope.state, "at": 0} == {**before, "at": 0}
            assert kinds(scope) == ["ReleaseSlot"]
    slot(scope, **again)
    assert [(command.path, command.attempt) for command in scope.asked(RunTask)] == [("a", 2)]
    scope.succeed("a", "b")
    assert scope.commands[0] == ReleaseSlot(group="deploy", whole=True)
    assert scope.state["outcome"] == "succeeded"
    check_replay(scope)


def test_who_makes_room_cancels_the_life_he_knew_of_and_no_later_one():
    scope = queued()
    slot(scope, **WHOLE)
    scope.take(TaskFailed, task="a", attempt=1, error=BROKEN)
    scope.take(RetryRequested, by="ana")
    scope.take(CancelRequested, by="concurrency", attempt=0)
    assert not scope.accepted
    slot(scope, **{**WHOLE, "attempt": 1})
    scope.take(PauseRequested, by="ana")
    scope.take(CancelRequested, by="concurrency", attempt=0)
    assert not scope.accepted
    assert scope.state["status"] == "running"
    assert "paused" in scope.state
    scope.take(CancelRequested, by="concurrency", attempt=1)
    assert scope.state["status"] == "cancelling"
