"""The world around simulated instances, on a virtual clock: it starts them, feeds them, and hands on what they ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import jsonschema_rs

from engine.app.gatekeeper import Gatekeeper
from engine.app.records import Facts
from engine.app.runs import Run
from engine.core import events
from engine.core.commands import Command, GoOn
from engine.core.events import Event
from engine.core.keys import ROOT, split_path, task_path
from engine.core.model import Definition
from engine.core.state import ACTIVE, ScopeState, TaskRun
from engine.core.values import Json, JsonObject
from engine.simulate.board import Board, Match
from engine.simulate.clock import Clock, Place, next_due
from engine.simulate.gates import MemoryGates
from engine.simulate.instance import Above, Simulated
from engine.simulate.mocks import Mocks, Unmocked

TESTED = "test"
"""The id of the instance that a case is about."""

Attempt = tuple[str, str, int]
"""An instance, the path of a task, and the number of its attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Startable:
    """A workflow that can be run: `inputs` validates its inputs."""

    definition: Definition
    inputs: jsonschema_rs.Validator


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Something that happened at a time: a task ended, or (`note`) an attempt of it did."""

    at: int
    path: str
    run: TaskRun
    note: str = ""


class World:
    """Holds what instances share. `obey` carries out their commands; `problems` says what the case would have to mock."""

    def __init__(
        self,
        now: int,
        *,
        mocks: Mocks,
        secrets: Mapping[str, str],
        workflows: Mapping[str, Startable],
        obey: Callable[[World, Simulated, str, Command], None],
    ) -> None:
        self.clock = Clock(now, self._ring)
        self.mocks = mocks
        self.secrets = secrets
        self.workflows = workflows
        self.board = Board()
        self.gates = MemoryGates()
        self.keeper = Gatekeeper(self._workflow_of, self.go_on)
        self.instances: dict[str, Simulated] = {}
        self.children: dict[Attempt, Simulated] = {}
        self.called_off: set[Attempt] = set()
        self.given: dict[str, Json] = {}
        """Path of a task to what its last attempt was given."""
        self.messages: list[JsonObject] = []
        self.moments: list[Moment] = []
        self.problems: list[str] = []
        self._obey = obey

    def open(
        self, startable: Startable, inputs: JsonObject, trigger: JsonObject, *, by: str, above: Above | None = None
    ) -> Simulated:
        """A new instance takes its first event."""
        definition = startable.definition
        name = TESTED if above is None else above.child
        facts = Facts(
            workflow=definition.name,
            digest="",
            commit="0" * 40,
            inputs=inputs,
            trigger=trigger,
            started_by=by,
            started_at=self.clock.now,
        )
        run = Run.of(name, facts, definition)
        instance = Simulated(run, above=above, outside=self._asked, changed=self._changed, ended=self._ended)
        self.instances[name] = instance
        self.take(instance, ROOT, events.ScopeStarted())
        return instance

    def take(self, instance: Simulated, scope: str, event: Event) -> None:
        """One event, all it leads to at this moment, and what stands at the gates behind it."""
        now = self.clock.now
        instance.take(scope, replace(event, at=now))
        for name, path, answer in self.keeper.answers(lambda: self.gates, now):
            self.instances[name].take(path, replace(answer, at=now))
        if isinstance(event, events.TaskFailed):
            self._note_failure(instance, scope, event)

    def soon(self, instance: Simulated, path: str, event: Event) -> None:
        """The task at this path hears of something, at this time, behind all that is on its way already."""
        scope, _ = split_path(path)
        self.clock.put(0, lambda: self.take(instance, scope, event))

    def put(
        self,
        instance: Simulated,
        attempt: tuple[str, int],
        after: int,
        event: Event,
        before: Callable[[], None] | None = None,
    ) -> None:
        """What an attempt (a path, a number) leads to, unless it is called off; `before` is done just before that is heard."""
        path, number = attempt
        scope, _ = split_path(path)

        def act() -> None:
            if (instance.id, path, number) not in self.called_off:
                if before is not None:
                    before()
                self.take(instance, scope, event)

        self.clock.put(after, act)

    def arrive(self, type_: str, body: Json, *, name: str = "", source: str = TESTED) -> None:
        """An event is there, for those who wait for one."""
        for match in self.board.arrive(self.clock.now, type_, body, name=name, source=source):
            self.receive(match)

    def receive(self, match: Match) -> None:
        """A task has got an event."""
        _, task = split_path(match.wait.path)
        received = events.EventReceived(task=task, attempt=match.wait.attempt, event=match.event)
        self.soon(self.instances[match.instance], match.wait.path, received)

    def go_on(self, command: GoOn) -> None:
        """A scope takes an event on its own."""
        event = events.from_json(command.event, self.clock.now)
        self.clock.put(0, lambda: self.take(self.instances[command.instance], command.scope, event))

    def _ring(self, place: Place) -> None:
        self.take(self.instances[place[0]], place[1], events.TimersDue())

    def _workflow_of(self, instance: str) -> str:
        return self.instances[instance].definition.name

    def _changed(self, instance: Simulated, path: str, state: ScopeState) -> None:
        self.clock.watch((instance.id, path), next_due(state))
        above = instance.above
        if path == ROOT and instance.is_final and above is not None and above.wait:
            self.soon(above.instance, above.path, _end(instance, above))

    def _ended(self, instance: Simulated, path: str, run: TaskRun) -> None:
        self.moments.append(Moment(at=self.clock.now, path=instance.full(path), run=run))

    def _asked(self, instance: Simulated, scope: str, command: Command) -> None:
        try:
            self._obey(self, instance, scope, command)
        except Unmocked as problem:
            self.problems.append(str(problem))

    def _note_failure(self, instance: Simulated, scope: str, event: events.TaskFailed) -> None:
        """An attempt that is not the last one."""
        run = instance.scopes[scope]["tasks"].get(event.task)
        if run is not None and run["state"] in ACTIVE:
            path = instance.full(task_path(scope, event.task))
            note = f"attempt {event.attempt} failed ({event.error['kind']}: {event.error['message']})"
            self.moments.append(Moment(at=self.clock.now, path=path, run=run, note=note))


def _end(child: Simulated, above: Above) -> events.ChildEnded:
    """What the task that started an instance hears of its end."""
    _, task = split_path(above.path)
    errors = [child.root.get("error"), *(failure.get("error") for failure in child.root.get("failures", ()))]
    return events.ChildEnded(
        task=task,
        attempt=above.attempt,
        child=child.id,
        outcome=child.root["outcome"],
        outputs=child.root.get("outputs"),
        error=next((error for error in errors if error), None),
    )
