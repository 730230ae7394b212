"""Groups of calls as the receiver takes them: every call has its own outcome, as if it had come alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from engine.app.receive import Received
from engine.app.records import Delivery, NewDelivery
from engine.errors import Broken, Unavailable
from tests.webhooks.engine import Engine, push


def call(name: str, body: bytes | None = None, *keys: str) -> NewDelivery:
    return NewDelivery(
        id=name,
        source="github",
        provider="github",
        event="push",
        headers={"user-agent": "test"},
        body=push() if body is None else body,
        keys=tuple((key, 24) for key in keys or (name,)),
    )


def told(received: Sequence[Received | Exception]) -> list[tuple[str, str, bool]]:
    found = [one for one in received if isinstance(one, Received)]
    assert len(found) == len(received)
    return [(one.result.id, one.result.state, one.duplicate) for one in found]


def test_every_call_has_its_own_outcome(engine: Engine):
    engine.receiver.receive([call("old", None, "a")])
    group = [
        call("new"),
        call("bad", b"{"),
        call("repeated", None, "a", "b"),
        call("twin", None, "new"),
        call("refused", push(after="XYZ")),
        call("bad again", b"{", "bad"),
    ]
    assert told(engine.receiver.receive(group)) == [
        ("new", "started", False),
        ("bad", "failed", False),
        ("old", "started", True),
        ("new", "started", True),
        ("refused", "started", False),  # `audit` takes everything
        ("bad", "failed", True),
    ]
    started = [instance.delivery for instance in engine.started()]
    assert sorted(name for name in started if name) == ["new", "new", "old", "old", "refused"]


def test_one_that_cannot_be_stored_holds_up_nobody(engine: Engine):
    odd = replace(call("odd"), headers={"a": "\0"})
    first, failed, last = engine.receiver.receive([call("first"), odd, call("last")])
    assert told([first, last]) == [("first", "started", False), ("last", "started", False)]
    assert isinstance(failed, Exception)
    assert {delivery.id for delivery in engine.deliveries()} == {"first", "last"}


def test_one_that_somebody_else_dealt_with_meanwhile_keeps_what_came_of_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    receive = engine.instances.deliveries.receive

    def slow(calls: Sequence[NewDelivery]) -> Sequence[Delivery | str]:
        stored = receive(calls)
        with monkeypatch.context() as quick:
            quick.setattr(engine.instances.deliveries, "receive", receive)
            engine.receiver.process([one for one in stored if isinstance(one, Delivery) and one.id == "b"])
        return stored

    monkeypatch.setattr(engine.instances.deliveries, "receive", slow)
    received = engine.receiver.receive([call("a"), call("b"), call("c")])
    assert told(received) == [(name, "started", False) for name in "abc"]
    instances = {name for one in received for verdict in one.result.verdicts if (name := verdict.instance)}
    assert {instance.id for instance in engine.started()} == instances
    assert len(instances) == 6


def test_one_at_which_everything_breaks_holds_up_nobody(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    commit = engine.receiver._starter.commit
    sizes = []

    def breaks(prepared, *, deliveries):
        sizes.append(len(deliveries))
        if any(one.id == "b" for one in deliveries):
            raise Broken("a bug")
        return commit(prepared, deliveries=deliveries)

    monkeypatch.setattr(engine.receiver._starter, "commit", breaks)
    a, b, c = engine.receiver.receive([call("a"), call("b"), call("c")])
    assert told([a, c]) == [("a", "started", False), ("c", "started", False)]
    assert isinstance(b, Broken)
    assert sizes == [3, 1, 1, 1]
    assert engine.instances.deliveries.get("b").state == "received", "the scheduler comes back to it"


def test_a_group_of_pushes_asks_for_one_sync(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    asked = []
    monkeypatch.setattr(engine.definitions, "request_sync", asked.append)
    engine.receiver.receive([call("a"), call("b")])
    engine.receiver.receive([call("c")])
    assert asked == ["main", "main"]


def test_a_database_that_does_not_answer_is_not_asked_for_each(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    asked = []

    def away(*given: object, **_: object) -> None:
        asked.append(given)
        raise Unavailable("the database")

    monkeypatch.setattr(engine.receiver._starter, "commit", away)
    received = engine.receiver.receive([call("a"), call("b"), call("c")])
    assert [type(one) for one in received] == [Unavailable] * 3
    assert len(asked) == 1
    assert {delivery.state for delivery in engine.deliveries()} == {"received"}
