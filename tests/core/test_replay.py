"""A history folded again gives the stored state, `finally` and refused events included."""

from __future__ import annotations

import orjson
import pytest

from engine.core.events import CancelRequested, ScopeStarted, TaskFailed, TaskSucceeded, TimersDue
from engine.core.keys import FINALLY, ROOT
from engine.core.model import Retry
from engine.core.replay import replay
from engine.errors import Malformed
from tests.core.build import CONTEXT, cel, define, mapping, task
from tests.core.world import World


def test_a_history_read_back_from_bytes_gives_every_scope():
    report = task("report", params=mapping(n=cel("tasks.b.outputs.n"), state=cel("instance.state")))
    world = World(define(task("a", retry=Retry(max_attempts=2)), task("b", "a"), finally_=(report,)))
    world.take(ROOT, ScopeStarted(at=world.now))
    world.take(ROOT, TaskFailed(task="a", attempt=1, error={"kind": "exit", "message": "1"}, at=world.now))
    world.now += 2_000
    world.take(ROOT, TimersDue(at=world.now))
    world.take(ROOT, TaskSucceeded(task="a", attempt=1, at=world.now))  # late
    world.take(ROOT, TaskSucceeded(task="a", attempt=2, at=world.now))
    world.take(ROOT, TaskSucceeded(task="b", attempt=1, outputs={"n": 4}, at=world.now))
    world.take(ROOT, CancelRequested(by="ana", at=world.now))
    assert set(world.scopes) == {ROOT, FINALLY}
    stored = orjson.loads(orjson.dumps([list(row) for row in world.history]))
    assert replay(world.definition, CONTEXT, map(tuple, stored)) == world.scopes


def test_a_row_that_is_no_event_is_refused():
    with pytest.raises(Malformed):
        replay(define(task("a")), CONTEXT, [(ROOT, {"type": "Exploded"}, 1)])
