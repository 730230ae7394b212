"""The embedded engine as `headrace dev` builds it, in a folder of its own, with nothing that listens on the network."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from uuid_utils import uuid7

from engine.adapters.databases.connect import InstancesDatabase
from engine.adapters.secrets import SecretStore
from engine.app.log_ports import LogStore
from engine.app.recipients import ChannelChoice
from engine.app.records import LogLine
from engine.app.versions import ProjectVersion, Source, SyncReport
from engine.bootstrap import Application
from engine.cli.local.channels import LocalChannels, Told
from engine.cli.local.files import NO_COMMIT, SOURCE, Runnable
from engine.cli.serve import embedded_workers
from engine.config import Config

IDLE = 0.1
"""Seconds between two looks of an idle thread whether to stop: nobody should wait for the end of what has ended."""

Heard = Callable[[Sequence[LogLine]], None]


class LocalEngine(Application):
    """One run's pieces. `heard` gets what tasks print as it is stored, `told` what would be sent to people unless `send`."""

    def __init__(self, config: Config, *, secrets: Mapping[str, str], heard: Heard, told: Told, send: bool) -> None:
        super().__init__(config)
        self._given = secrets
        self._heard = heard
        self._told = told
        self._send = send

    @cached_property
    def instances(self) -> InstancesDatabase:
        """The instances DB, whose logs are heard too."""
        database = super().instances
        database.logs = _HeardLogs(database.logs, self._heard)
        return database

    @cached_property
    def secrets(self) -> SecretStore:
        """Those given, then as everywhere."""
        return SecretStore(self.config.secrets_dir, {**os.environ, **self._given})

    @cached_property
    def channels(self) -> ChannelChoice:
        """The terminal in place of every way to reach people."""
        return LocalChannels(super().channels, self._told, send=self._send)

    def load(self, runnable: Runnable) -> None:
        """Make the workflows and the project the active ones, as a sync does."""
        self.definitions.definitions.load(
            report=SyncReport(id=str(uuid7()), source=SOURCE, commit=NO_COMMIT, state="loaded", at=self.clock.now()),
            source=Source(name=SOURCE, url=SOURCE),
            versions=runnable.versions,
            project=ProjectVersion(source=SOURCE, commit=NO_COMMIT, document=runnable.project.to_json()),
        )


def settings(given: Config, folder: Path) -> Config:
    """Those of the environment, but for whatever leads to another engine's databases, queues and files."""
    return replace(
        given,
        state_dir=folder,
        instances_url="",
        definitions_url="",
        broker_url="memory://",
        artifacts="",
        queues="",
        repo="",
        dev=False,
        log_level=given.log_level if "HEADRACE_LOG_LEVEL" in os.environ else "error",
    )


@contextmanager
def running(engine: LocalEngine, runnable: Runnable) -> Iterator[None]:
    """Load and work, for as long as the block lasts."""
    try:
        engine.upgrade()
        engine.load(runnable)
        with embedded_workers(engine, idle=IDLE):
            yield
    finally:
        engine.close()


def kill_children() -> None:
    """Kill what tasks have started, each with its whole session. For an end at once, where nobody waits for them any more."""
    for listed in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):
            for pid in listed.read_text().split():
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(int(pid), signal.SIGKILL)


class _HeardLogs:
    """Implements `engine.app.log_ports.LogStore`: keeps the lines, then lets them be heard."""

    def __init__(self, store: LogStore, heard: Heard) -> None:
        self._store = store
        self._heard = heard

    def append(self, lines: Sequence[LogLine]) -> None:
        """See the port."""
        self._store.append(lines)
        self._heard(lines)

    def read(self, instance: str, path: str | None = None, *, after: int = 0, limit: int = 1000) -> Sequence[LogLine]:
        """See the port."""
        return self._store.read(instance, path, after=after, limit=limit)
