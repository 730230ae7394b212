"""What a simulated instance goes through, told to the real batches on a real database, leaves the very same state there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from engine.adapters.databases.connect import open_instances
from engine.app.advance import Advancer
from engine.app.batch import Starting
from engine.app.records import Notification
from engine.core.codec import definition_to_json, digest
from engine.core.commands import OUTBOUND, message_of
from engine.core.events import ScopeStarted, to_json
from engine.simulate import case as case_module
from engine.simulate.case import run
from engine.simulate.files import is_test
from engine.simulate.world import Startable, World
from engine.spec.case_models import CaseKeys, TestFileKeys
from engine.spec.document import read
from engine.spec.load import load
from engine.spec.nodes import Document
from engine.spec.shape import read_shape
from engine.spec.validation import validator

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDERS = ("workflows", "tests/patterns", "tests/simulate/whole")


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


def cases() -> list[Any]:
    found = []
    for folder in FOLDERS:
        files = {path.name: path.read_bytes() for path in sorted((ROOT / folder).glob("*.yaml"))}
        workflows = {
            definition.name: Startable(definition=definition, inputs=validator(definition.inputs or {"type": "object"}))
            for definition in load(files).workflows.values()
        }
        for path in filter(is_test, files):
            document = read(path, files[path])
            assert isinstance(document, Document)
            keys = read_shape(document, TestFileKeys)
            assert isinstance(keys, TestFileKeys)
            found += [
                pytest.param(keys.workflow, workflows, case, id=f"{keys.workflow}: {case.name}") for case in keys.cases
            ]
    return found


@pytest.mark.parametrize(("name", "workflows", "case"), cases())
def test_the_state_and_all_that_is_asked_for_are_the_same(
    name: str, workflows, case: CaseKeys, sqlite_url: str, monkeypatch
):
    monkeypatch.setattr(case_module, "World", Recorder)
    if case.expect.refused is not None:
        return
    run(name, workflows, case)
    world = Recorder.made
    time = Time()
    database = open_instances(sqlite_url, clock=time)
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
