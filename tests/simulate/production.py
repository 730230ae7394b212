"""Tells the real batches on a real database what a simulated world went through, and holds what comes of it against that."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from engine.adapters.databases.connect import open_instances
from engine.app.advance import Advancer
from engine.app.batch import Starting
from engine.app.records import Notification
from engine.core.codec import definition_to_json, digest
from engine.core.commands import OUTBOUND, message_of
from engine.core.events import ScopeStarted, to_json
from engine.simulate.world import World


@dataclass
class Heard:
    """What came in from outside and when, and what left for the outside by it."""

    at: int
    instance: str
    scope: str
    event: Any
    asked: list[Any] = field(default_factory=list)


class Recorder(World):
    """Writes down what comes and goes."""

    made: Recorder

    def __init__(self, *arguments: Any, **keys: Any) -> None:
        super().__init__(*arguments, **keys)
        self.heard: list[Heard] = []
        Recorder.made = self

    def take(self, instance, scope, event):
        self.heard.append(Heard(self.clock.now, instance.id, scope, event))
        super().take(instance, scope, event)

    def go_on(self, command):
        self.heard[-1].asked.append(message_of(command))
        super().go_on(command)

    def _asked(self, instance, scope, command):
        if command.type in OUTBOUND and command.type != "GoOn":
            self.heard[-1].asked.append(message_of(command))
        super()._asked(instance, scope, command)


@dataclass
class Time:
    at: int = 0

    def now(self) -> int:
        return self.at


@dataclass
class Quiet:
    """A publisher and a signal board that nobody looks at."""

    sent: list[Any] = field(default_factory=list)

    def publish(self, messages):
        self.sent += messages

    def __getattr__(self, name):
        return lambda *_arguments, **_keys: None


def hold(world: Recorder, url: str) -> None:
    """After each event the same commands, in the end the same state."""
    time = Time()
    database = open_instances(url, clock=time)
    try:
        advancer = Advancer(store=database.store, outbox=database.outbox, publisher=Quiet(), signals=Quiet())
        for heard in world.heard:
            time.at = heard.at
            if isinstance(heard.event, ScopeStarted):
                done = advancer.advance([], starting=[starting(world, heard.instance)])
            else:
                event = to_json(heard.event)
                told = Notification(instance=heard.instance, scope=heard.scope, event=event)
                done = advancer.advance([told])
            assert [message.body for message in done.messages] == heard.asked
        for instance, simulated in world.instances.items():
            assert database.reader.scopes(instance) == simulated.scopes
            assert database.reader.get(instance).state == simulated.state
    finally:
        database.close()


def starting(world: Recorder, instance: str) -> Starting:
    made = world.instances[instance]
    document = definition_to_json(made.definition)
    facts = replace(made.run.facts, digest=digest(document), started_at=0)
    return Starting(id=instance, facts=facts, version="v", document=document)
