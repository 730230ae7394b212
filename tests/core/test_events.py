"""Events on the wire: what comes back, and what is refused before it reaches `decide`."""

from __future__ import annotations

import pytest

from engine.core.events import DecisionMade, TaskFailed, from_json, to_json
from engine.errors import Malformed, Newer

FAILED = {"type": "TaskFailed", "task": "a", "attempt": 1, "error": {"kind": "exit", "message": "1"}}
DECIDED = {"type": "DecisionMade", "task": "a", "attempt": 1, "person": "ana", "decision": "approved"}


def test_it_comes_back_with_its_time():
    event = TaskFailed(task="a", attempt=1, error={"kind": "exit", "message": "1"}, at=5)
    assert to_json(event) == FAILED
    assert from_json(to_json(event), 5) == event
    assert from_json(DECIDED, 0) == DecisionMade(task="a", attempt=1, person="ana", decision="approved")


@pytest.mark.parametrize(
    "body",
    [
        {**FAILED, "task": ["a"]},
        {**DECIDED, "decision": ["approved"]},
        {**FAILED, "attempt": "1"},
        {**FAILED, "error": "1"},
        {**DECIDED, "person": {}},
        {**DECIDED, "form": []},
    ],
)
def test_what_is_no_event_is_refused(body):
    with pytest.raises(Malformed) as raised:
        from_json(body, 0)
    assert not isinstance(raised.value, Newer)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": "Exploded"},
        {"type": ["TaskFailed"]},
        {**FAILED, "more": 1},
        {**FAILED, "at": 1},
        {**DECIDED, "decision": "maybe"},
        {"type": "ScopeSettled", "scope": "finally", "outcome": "skipped"},
        {"type": "ScopeStarted", "ending": "soon"},
        {"type": "ChildrenDue", "task": "a", "attempt": 1, "what": "undo what was undone"},
    ],
)
def test_what_a_newer_version_may_know_is_said_to_be_newer(body):
    with pytest.raises(Newer):
        from_json(body, 0)


@pytest.mark.parametrize(
    "body",
    [
        {"type": "CancelRequested", "by": "ana"},
        {"type": "TaskResolved", "task": "a", "resolution": "cancelled", "by": "ana"},
    ],
)
def test_what_was_sent_before_it_could_name_an_attempt_means_any(body):
    assert from_json(body, 0).attempt is None
