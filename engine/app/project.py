"""Reads the project that is live now: who left must not approve, and who lost a webhook source must not call it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from engine.app.ports import DefinitionStore
from engine.core.project import Project

FRESH = 1.0
"""Seconds for which a project that was read is believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadProject:
    """A project with the source it came from; `source` is "" before the first sync."""

    source: str
    commit: str
    project: Project
    read_at: float


class ActiveProject:
    """The active project, read from the definitions DB at most once a second. Safe to share between threads."""

    def __init__(self, definitions: DefinitionStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._definitions = definitions
        self._clock = clock
        self._last: ReadProject | None = None

    @property
    def fresh(self) -> Project | None:
        """The project, if it was read so lately that asking for it waits for nobody."""
        last = self._last
        return None if last is None or self._clock() - last.read_at >= FRESH else last.project

    def __call__(self) -> Project:
        """The project; an empty one before the first sync. Raises Unavailable."""
        return self.read().project

    def read(self) -> ReadProject:
        """The same, with its source and commit. Raises Unavailable."""
        last, now = self._last, self._clock()
        if last is None or now - last.read_at >= FRESH:
            last = self._last = self._read(now)
        return last

    def _read(self, now: float) -> ReadProject:
        version = self._definitions.project()
        if version is None:
            return ReadProject(source="", commit="", project=Project(), read_at=now)
        return ReadProject(
            source=version.source, commit=version.commit, project=Project.from_json(version.document), read_at=now
        )
