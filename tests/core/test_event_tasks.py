"""Tasks of kind `event`: what they wait for, when they ask again, and how they end."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.commands import AwaitEvent, MatchEvent, StopAwaiting
from engine.core.events import (
    AttemptUnclaimed,
    CancelRequested,
    EventReceived,
    EventsLookedAt,
    TimersDue,
)
from engine.core.expressions.codec import expression_to_json
from engine.core.model import Retry
from engine.core.outstanding import outstanding
from engine.core.summary import instance_state
from tests.core.build import START, Scope, cel, mapping, started, task

PAID: dict[str, Any] = {
    "id": "e1",
    "type": "order.paid",
    "source": "api",
    "body": {"order": 7},
    "received_at": "2030-01-01T00:00:01Z",
}
LOOK = MatchEvent(instance="i1", path="a", attempt=1)
STOP = StopAwaiting(path="a", attempt=1)


def waiting(*more: Any, params: dict[str, Any] | None = None, **keys: Any) -> Scope:
    return started(task("a", kind="event", params={"type": "order.paid", **(params or {})}, **keys), *more)


def receive(scope: Scope, event: dict[str, Any] = PAID, *, attempt: int = 1, taken: bool = False) -> None:
    scope.take(EventReceived, task="a", attempt=attempt, event=event, taken=taken)


def asks(scope: Scope) -> list[Any]:
    assert scope.state is not None
    return list(outstanding(scope.definition, scope.state, scope.context))


def test_it_waits_where_whoever_publishes_finds_it_and_has_earlier_events_looked_at():
    scope = waiting()
    since = 1_893_456_000_000
    assert scope.commands == (AwaitEvent(path="a", attempt=1, event="order.paid", since=since), LOOK)
    assert (scope.status("a"), scope.run("a")["waits_for"]) == ("waiting", "order.paid")
    assert instance_state(scope.state, None) == "waiting"
    assert asks(scope) == [LOOK]


def test_since_now_takes_later_ones_only():
    (awaits,) = waiting(params={"since": "now"}).asked(AwaitEvent)
    assert awaits.since == START


def test_match_goes_with_the_values_it_reads_and_no_others():
    match = cel("event.body.service == inputs.service && event.type != trigger.event")
    (awaits,) = waiting(match=match).asked(AwaitEvent)
    assert awaits.match == expression_to_json(match)
    assert awaits.names == {"inputs": {"service": "billing"}, "trigger": {}}


def test_the_parts_of_the_event_are_the_outputs():
    scope = waiting(task("b", "a"), task("c", "a.timed_out"))
    receive(scope, {**PAID, "more": 1})
    assert scope.status("a") == "received"
    assert scope.run("a")["outputs"] == PAID
    assert STOP in scope.commands
    assert (scope.status("b"), scope.status("c")) == ("queued", "skipped")
    assert "waits_for" not in scope.run("a")
    receive(scope)
    assert not scope.accepted


def test_none_is_there_yet():
    scope = waiting()
    scope.take(EventsLookedAt, task="a", attempt=1)
    assert (asks(scope), scope.run("a")["timers"]) == ([], {})
    scope.take(EventsLookedAt, task="a", attempt=1)
    assert not scope.accepted
    receive(scope)
    assert scope.status("a") == "received"


def test_without_an_answer_it_asks_again_with_growing_pauses():
    scope = waiting()
    pauses = []
    for _ in range(3):
        due = scope.run("a")["timers"]["check"] - scope.now
        pauses.append(due)
        scope.take(AttemptUnclaimed, after=due, task="a", attempt=1)
        assert scope.commands == (LOOK,)
    assert pauses == [20_000, 40_000, 80_000]


def test_one_that_the_instance_has_used_up_is_none():
    scope = waiting()
    scope.take(EventsLookedAt, task="a", attempt=1)
    receive(scope, taken=True)
    assert (scope.status("a"), scope.commands, asks(scope)) == ("waiting", (LOOK,), [LOOK])
    receive(scope, taken=True)
    assert not scope.accepted


@pytest.mark.parametrize("looked", [True, False])
def test_its_own_timeout_is_an_outcome(looked: bool):
    scope = waiting(task("b", "a.timed_out"), params={"timeout": "1h"}, retry=Retry(max_attempts=3))
    if looked:
        scope.take(EventsLookedAt, task="a", attempt=1)
    scope.take(TimersDue, after=3_599_999)
    assert scope.status("a") == "waiting"
    scope.take(TimersDue, after=1)
    assert (scope.status("a"), scope.status("b")) == ("timed_out", "queued")
    assert STOP in scope.commands
    assert "error" not in scope.run("a")
    receive(scope)
    assert not scope.accepted


def test_the_timeout_of_an_attempt_fails_it_and_the_next_one_waits_anew():
    scope = waiting(timeout=60_000, retry=Retry(max_attempts=2, delay=5_000, max_delay=5_000))
    scope.take(TimersDue, after=60_000)
    assert scope.commands == (STOP,)
    receive(scope)
    assert not scope.accepted, "nobody waits in the pause between two attempts"
    scope.take(TimersDue, after=5_000)
    assert [awaits.attempt for awaits in scope.asked(AwaitEvent)] == [2]
    receive(scope, attempt=1)
    assert not scope.accepted
    receive(scope, attempt=2)
    assert scope.status("a") == "received"


def test_cancelled_it_stops_waiting():
    scope = waiting()
    scope.take(CancelRequested, by="ana")
    assert scope.status("a") == "cancelled"
    assert STOP in scope.commands


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({"type": ""}, "type"),
        ({"type": 7}, "type"),
        ({"type": "x" * 201}, "200 characters"),
        ({"since": "yesterday"}, "since"),
        ({"timeout": "soon"}, "span of time"),
    ],
)
def test_parameters_that_make_no_sense(params: dict[str, Any], complaint: str):
    scope = waiting(params=params)
    assert scope.run("a")["error"]["kind"] == "invalid"
    assert complaint in scope.run("a")["error"]["message"]
    assert scope.asked(AwaitEvent) == []


def test_a_value_that_match_would_read_and_that_is_not_there_is_left_to_whoever_evaluates_it():
    scope = started(
        task("b"), task("a", "b", kind="event", params={"type": "x"}, match=cel("event.body == tasks.b.outputs.n"))
    )
    scope.succeed("b", outputs={})
    (awaits,) = scope.asked(AwaitEvent)
    assert awaits.names == {"tasks": {"b": {"outputs": {}}}}


def test_the_type_may_be_an_expression():
    (awaits,) = started(task("a", kind="event", params=mapping(type=cel("inputs.service + '.done'")))).asked(AwaitEvent)
    assert awaits.event == "billing.done"
