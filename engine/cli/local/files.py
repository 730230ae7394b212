"""The file to run, with project.yaml and the workflows beside it, loaded as a sync would load them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from uuid_utils import uuid7

from engine.app.versions import Version
from engine.core.codec import definition_to_json, digest
from engine.core.model import Definition
from engine.core.project import Project
from engine.core.values import JsonObject
from engine.errors import Rejected
from engine.lint.linter import lint_loaded
from engine.spec.findings import Finding
from engine.spec.load import Loaded, is_loaded, is_project, load

SOURCE = "local"
NO_COMMIT = "0" * 40
"""What stands for the commit of a file that is run as it lies there."""
LARGEST = 1024 * 1024
"""Bytes above which a file beside the one to run is no workflow, so that a folder full of data is not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runnable:
    """A workflow that can run. `trigger` is its definition as written; `versions`, its own first, start by nothing but a task.

    `left_out` are files beside it that have errors and that it has no need of.
    """

    trigger: Definition
    versions: tuple[Version, ...]
    definitions: Mapping[str, Definition]
    """The same by digest."""
    project: Project
    left_out: tuple[str, ...]


class Wrong(Exception):
    """The files have errors: `findings`, about `files`."""

    def __init__(self, findings: tuple[Finding, ...], files: Mapping[str, bytes]) -> None:
        self.findings = findings
        self.files = files
        super().__init__(f"{len(findings)} findings")


def read(file: Path, author: str, overrides: Callable[[JsonObject], JsonObject]) -> Runnable:
    """Load what is needed to run this file. `overrides` says of the project's `vars` which are others now.

    Raises Wrong, Rejected (it is no workflow file, or cannot be read).
    """
    files = _files(file)
    loaded = load(files)
    needed = _needed(loaded, str(file))
    findings = tuple(finding for finding in lint_loaded(loaded) if needed is None or finding.path in needed)
    if any(finding.severity == "error" for finding in findings):
        raise Wrong(findings, {path: files[path] for path in files if needed is None or path in needed})
    changed = overrides(loaded.project.vars)
    definitions = {
        path: replace(definition, vars={**definition.vars, **changed}) for path, definition in loaded.workflows.items()
    }
    first = definitions.pop(str(file))
    quiet = {path: _without_triggers(each) for path, each in ((str(file), first), *definitions.items())}
    versions = tuple(_version(each, path, loaded.texts[path], author) for path, each in quiet.items())
    return Runnable(
        trigger=first,
        versions=versions,
        definitions={version.digest: each for version, each in zip(versions, quiet.values(), strict=True)},
        project=loaded.project,
        left_out=tuple(path for path in files if is_loaded(path) and not is_project(path) and path not in quiet),
    )


def _files(file: Path) -> dict[str, bytes]:
    if file.is_dir():
        raise Rejected(f"{file} is a folder: name a workflow file in it")
    if not is_loaded(file.name) or is_project(file.name):
        raise Rejected(f"{file} is no workflow file: those are named NAME.yaml, and NAME.test.yaml holds tests")
    try:
        found = {str(file): file.read_bytes()}
        for path in sorted((*file.parent.glob("*.yaml"), *file.parent.glob("*.yml"))):
            if path.is_file() and is_loaded(path.name) and path.stat().st_size <= LARGEST:
                found.setdefault(str(path), path.read_bytes())
    except OSError as error:
        raise Rejected(f"{error.filename} cannot be read: {error.strerror}") from None
    return found


def _needed(loaded: Loaded, file: str) -> frozenset[str] | None:
    """The files that the run needs: its own, project.yaml, and those of the workflows it calls. None: it may need any."""
    owners = {each.keys.name: each for each in reversed(loaded.files)}
    needed = {file, *(path for path in loaded.texts if is_project(path))}
    left = [each for each in loaded.files if each.document.source.path == file]
    while left:
        each = left.pop()
        for name in _called(each.definition) if each.definition else ():
            other = owners.get(name)
            if other is None:
                return None
            if other.document.source.path not in needed:
                needed.add(other.document.source.path)
                left.append(other)
    return frozenset(needed)


def _called(definition: Definition) -> Iterator[str]:
    for tasks in definition.lists.values():
        yield from (task.workflow for task in tasks.tasks.values() if task.kind == "workflow")


def _without_triggers(definition: Definition) -> Definition:
    """Nothing but the run itself starts anything: no clock, no event and no end of another workflow."""
    return replace(definition, webhooks=(), schedules=(), events=(), workflows=())


def _version(definition: Definition, path: str, text: str, author: str) -> Version:
    document = definition_to_json(definition)
    return Version(
        id=str(uuid7()),
        workflow=definition.name,
        digest=digest(document),
        source=SOURCE,
        commit=NO_COMMIT,
        path=path,
        author_name=author,
        author_email=author,
        committed_at=0,
        text=text,
        document=document,
    )
