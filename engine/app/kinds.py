"""What a task kind is given and what it answers: the contract between the performer and everything that does real work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from threading import Event
from types import MappingProxyType
from typing import Protocol

from engine.app.artifact_ports import Content
from engine.core.values import Json, JsonObject
from engine.errors import HeadraceError

DEFAULT_TIMEOUT = 30_000
"""Milliseconds that a kind which waits for somebody else's answer waits, if its task has no timeout."""


class LogWriter(Protocol):
    """Where a kind writes what people should see of its run."""

    def line(self, stream: str, text: str) -> None:
        """One line. `stream` is `stdout`, `stderr` or `engine`. Never raises: a log that is lost fails no task."""
        ...

    def flush(self) -> None:
        """Show what was written so far, unless that was done a moment ago."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A file that an attempt gets. `file` is where it goes, a path within the folder of the task."""

    file: str
    executable: bool
    open: Callable[[], AbstractContextManager[Content]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A file that an attempt leaves, as it lies in the folder of the task. `root` is what of its path the name stands for."""

    name: str
    file: str
    root: str
    executable: bool
    open: Callable[[], AbstractContextManager[Content]]


class Handover(Protocol):
    """The files that an attempt gets from other tasks, and those that it leaves for them."""

    @property
    def leaves(self) -> Mapping[str, str]:
        """Name to the path or glob of what is to be left."""
        ...

    def given(self) -> Iterable[Given]:
        """Raises Failed (`artifact`): the files are not there."""
        ...

    def leave(self, files: Sequence[Left]) -> None:
        """Keep these. Raises Failed: `artifact`, `timeout`; Stopped."""
        ...


class NoHandover:
    """Nothing comes and nothing goes."""

    leaves: Mapping[str, str] = MappingProxyType({})

    def given(self) -> Iterable[Given]:
        """None."""
        return ()

    def leave(self, files: Sequence[Left]) -> None:
        """Nobody asked for any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One attempt of one task. `timeout` in milliseconds; `stop` is set when somebody wants the attempt to end early."""

    instance: str
    path: str
    attempt: int
    workflow: str
    idempotency_key: str
    params: JsonObject
    stop: Event
    log: LogWriter
    env: JsonObject = field(default_factory=dict)
    outputs: Mapping[str, JsonObject] = field(default_factory=dict)
    """The declared outputs, name to JSON Schema."""
    timeout: int | None = None
    files: Handover = field(default_factory=NoHandover)
    mask: Callable[[Json], Json] = lambda value: value
    """Takes secrets out of a value that is going to be stored."""


class Kind(Protocol):
    """A way to do real work. One object serves all threads of a worker."""

    def run(self, call: Call) -> JsonObject:
        """Do it and return the outputs. Raises Failed, or Stopped once `call.stop` is set; anything else is a bug of the kind."""
        ...


class Failed(HeadraceError):
    """An attempt failed. `details` is JSON for people and programs. `kind` is stable: workflows test it in `retry.if`.

    Of all kinds: `config`, `timeout`, `outputs`, `output_too_large`, and from the performer `secret`, `expression`,
    `budget`, `unavailable`, `internal`. `http`: `network`, `forbidden_address`, `http_4xx` (each class), `response_too_large`.
    `script` and `container`: `exit`, `artifact`. `python`: `import`, `python`. `message`: `network`, `rejected`.
    """

    def __init__(self, kind: str, message: str, details: JsonObject | None = None) -> None:
        self.kind = kind
        self.message = message
        self.details = details or {}
        super().__init__(message)


class Stopped(HeadraceError):
    """The attempt ended early because it was told to."""


def misused(detail: str) -> Failed:
    """What stands in `with` or `env` makes no sense to the kind. Trying again changes nothing."""
    return Failed("config", detail)
