"""Groups of calls as the receiver takes them: every call has its own outcome, as if it had come alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from engine.app.receive import Received
from engine.app.records import Delivery, NewDelivery
from engine.app.triggers import rfc3339
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


def test_calls_are_stored_with_what_they_start(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as alone:
        alone.setattr(engine.instances.deliveries, "receive", None)  # nobody stores them first
        group = [call("a"), call("bad", b"{"), call("c", push(after="XYZ"))]
        received = engine.receiver.receive(group)
    assert told(received) == [("a", "started", False), ("bad", "failed", False), ("c", "started", False)]
    stored = {one.id: one for one in engine.deliveries()}
    for one, sent in zip(received, group, strict=True):
        assert isinstance(one, Received)
        kept = stored[sent.id]
        assert (kept.state, kept.verdicts, kept.reason) == (one.result.state, one.result.verdicts, one.result.reason)
        assert (kept.body, kept.headers, kept.provider) == (sent.body, sent.headers, sent.provider)
    for instance in engine.started():
        assert instance.delivery is not None
        assert instance.trigger["received_at"] == rfc3339(stored[instance.delivery].received_at)
    again = engine.receiver.receive([replace(one, id=f"{one.id} again") for one in group])
    assert [(one.result.id, one.duplicate) for one in again if isinstance(one, Received)] == [
        (name, True) for name in ("a", "bad", "c")
    ]


def test_what_cannot_be_decided_now_is_stored_all_the_same(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    def away(_source: str) -> None:
        raise Unavailable("the definitions database")

    with monkeypatch.context() as broken:
        broken.setattr(engine.definitions, "listening", away)
        received = engine.receiver.receive([call("a"), call("b")])
    assert [type(one) for one in received] == [Unavailable] * 2
    assert {one.id: one.state for one in engine.deliveries()} == {"a": "received", "b": "received"}
    assert {one.state for one in engine.receiver.process(engine.deliveries())} == {"started"}


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
    received = engine.receiver.receive([call("a"), call("b"), call("c"), call("d", None, "c")])
    assert told(received) == [*((name, "started", False) for name in "abc"), ("c", "started", True)]
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

    def all_break(_arriving):
        sizes.append(0)
        raise Broken("a bug")

    monkeypatch.setattr(engine.receiver._starter, "commit", breaks)
    monkeypatch.setattr(engine.receiver._starter, "take", all_break)
    a, b, c = engine.receiver.receive([call("a"), call("b"), call("c")])
    assert told([a, c]) == [("a", "started", False), ("c", "started", False)]
    assert isinstance(b, Broken)
    assert sizes == [0, 3, 1, 1, 1]
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

    monkeypatch.setattr(engine.receiver._starter, "take", away)
    monkeypatch.setattr(engine.receiver._starter, "commit", away)
    received = engine.receiver.receive([call("a"), call("b"), call("c")])
    assert [type(one) for one in received] == [Unavailable] * 3
    assert len(asked) == 1
    assert engine.deliveries() == []
    received = engine.receiver.receive([call("a"), call("b"), call("c", None, "b")])  # away between two transactions
    assert [type(one) for one in received] == [Unavailable] * 3
    assert len(asked) == 2
    assert {delivery.state for delivery in engine.deliveries()} == {"received"}
