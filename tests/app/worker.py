"""A task worker on a world: it runs scripts and functions, hands files over and keeps large outputs."""

from __future__ import annotations

from threading import Event

from engine.adapters.artifacts.connect import open_files
from engine.adapters.clock import SystemClock
from engine.adapters.kinds.python import Python
from engine.adapters.kinds.script import Script
from engine.adapters.secrets import SecretStore
from engine.app.artifacts import Artifacts, Limits
from engine.app.large_outputs import LargeOutputs
from engine.app.perform import Performer


class Worker:
    """A task worker on a world, with files in a folder."""

    def __init__(self, world, folder, limits=None, large=None):
        self.world = world
        self.files = open_files(folder.as_uri())
        artifacts = Artifacts(files=self.files, rows=world.instances.artifacts, limits=limits or Limits())
        self.performer = Performer(
            kinds={"script": Script(), "python": Python()},
            secrets=SecretStore("", {}),
            logs=world.instances.logs,
            asker=None,
            children=None,
            router=None,
            clock=SystemClock(),
            outbox=world.instances.outbox,
            artifacts=artifacts,
            large=LargeOutputs(store=world.instances.values, **(large or {})),
        )
        self.asked = []
        self.never = Event()
        self.text = ""

    def work(self):
        """All that is queued, and what comes of it."""
        while commands := self.world.queued():
            for command in commands:
                self.asked.append(command)
                self.told = self.performer.perform(command, Event())
                self.world.advancer.submit([self.told])

    def run(self, text, inputs=None):
        self.text = text
        self.world.load(text)
        instance = self.world.starter.start(text.split()[1], inputs or {}, by="ana")
        self.work()
        return instance

    def perform(self, script, *, stop=None, kind="script", params=None, **keys):
        command = {
            "type": "RunTask",
            "instance": "i1",
            "path": "build",
            "attempt": 1,
            "kind": kind,
            "params": params or {"script": script},
        }
        return self.performer.perform(command | keys, stop or Event()).event
