"""Who carries events in the tests of the use cases."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Event as Flag
from typing import Any

from engine.adapters.kinds.emit import Emit
from engine.app.events import Events
from engine.app.kinds import Call
from engine.app.records import Notification
from engine.app.route import Router
from engine.core.commands import MatchEvent, RouteEvent
from engine.core.keys import idempotency_key, split_path
from tests.app.world import World

LISTENS = """
name: pay
on: {event: [{type: paid, if: trigger.body.order > 0, inputs: {order: '${{ trigger.body.order }}'}}]}
inputs: {order: {type: integer}}
tasks: {a: %s}
"""


class Post:
    """Carries out what is asked about events, as a task worker does."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.events = Events(events=world.instances.events, store=world.store, advancer=world.advancer)  # type: ignore[arg-type]
        self.router = self.make_router()
        self.answers: list[Any] = []

    def make_router(self) -> Router:
        """As another process would have it: nothing remembered."""
        world = self.world
        return Router(
            events=world.instances.events,
            definitions=world.definitions,
            reader=world.reader,
            starter=world.starter,
            triggers=world.triggers,
            advancer=world.advancer,
            pause=0,
        )

    def publish(self, order: int = 7, type: str = "paid", **keys: Any) -> str:
        return self.events.publish(type, {"order": order}, **keys)[0]

    def obey(self, command: Mapping[str, Any]) -> None:
        values = {name: value for name, value in command.items() if name != "type"}
        if command["type"] == "RouteEvent":
            self.router.obey(RouteEvent(**values), Flag())
        elif command["type"] == "MatchEvent":
            event = self.router.match(MatchEvent(**values), Flag())
            self.answers.append(event)
            if event is not None:
                self.world.tell(command["instance"], event, split_path(command["path"])[0])
        elif command["kind"] == "emit":
            self.world.answer(command, Emit(self.events).run(call(command)))
        else:
            self.world.answer(command)

    def work(self) -> None:
        """All that is asked for, and what comes of it."""
        for _ in range(20):
            commands = self.world.queued()
            for command in commands:
                self.obey(command)
            for notification in self.world.queued("notifications"):
                self.world.advancer.submit([Notification(**notification)])
            if not commands:
                return
        raise AssertionError("there is no end to it")

    def running(self, workflow: str = "pay") -> list[Any]:
        return list(self.world.reader.list(workflow=workflow))


def call(command: Mapping[str, Any], **params: Any) -> Call:
    return Call(
        instance=command["instance"],
        path=command["path"],
        attempt=command["attempt"],
        workflow="w",
        idempotency_key=idempotency_key(command["instance"], command["path"], command.get("generation", 1)),
        params={**command["params"], **params},
        stop=Flag(),
        log=None,  # type: ignore[arg-type]
    )
