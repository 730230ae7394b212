"""Rows of the definitions DB as the use cases see them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from engine.core.values import JsonObject

ListenerKind = Literal["schedule", "event", "workflow"]
SyncState = Literal["loaded", "refused", "unchanged", "failed"]
SETTLED: tuple[SyncState, ...] = ("loaded", "refused")
"""What a sync is that took a commit or turned it down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A git remote we follow: `url` is a path or URL, `branch` None the remote's default, `folder` where workflows live."""

    name: str
    url: str
    branch: str | None = None
    folder: str = "workflows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A workflow at a commit. `text` is the file, `document` the compiled definition (`engine.core.codec`), `digest` its name."""

    id: str
    workflow: str
    digest: str
    source: str
    commit: str
    path: str
    author_name: str
    author_email: str
    committed_at: int
    text: str
    document: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """An active workflow that listens, with the id of its version: to a clock (`name` is ""), a type of event, another workflow."""

    name: str
    workflow: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectVersion:
    """`project.yaml` at a commit, as `engine.spec.project` dumps it."""

    source: str
    commit: str
    document: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncReport:
    """One attempt to load a commit. `findings` are `engine.spec.findings.Finding` as JSON; `error` is for `failed`."""

    id: str
    source: str
    commit: str | None
    state: SyncState
    author_name: str = ""
    author_email: str = ""
    message: str = ""
    findings: tuple[JsonObject, ...] = ()
    error: str = ""
    at: int = 0
    added: tuple[str, ...] = field(default=())
    changed: tuple[str, ...] = field(default=())
    removed: tuple[str, ...] = field(default=())
