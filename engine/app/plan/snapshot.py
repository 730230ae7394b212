"""One side of a comparison: the workflows of a commit, of a folder or of a server, with the project they share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.core.model import Definition
from engine.core.project import Project
from engine.spec.calls import Calls
from engine.spec.compile import compile_workflow
from engine.spec.load import Loaded, WorkflowFile, is_project


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A workflow and its file."""

    path: str
    definition: Definition


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Workflows by name. `name`: what people call this side; `unread`: files that cannot be compared for their errors.

    `hidden`: the names of workflows in those files, as far as they are known. `project` is None where it cannot be read.
    """

    name: str
    workflows: Mapping[str, Entry] = field(default_factory=dict)
    project: Project | None = field(default_factory=Project)
    unread: tuple[str, ...] = ()
    hidden: frozenset[str] = frozenset()


def of_files(name: str, loaded: Loaded) -> Snapshot:
    """What a set of files says. A workflow that only does not fit the others is there: that is what a plan tells of."""
    found: dict[str, Entry] = {}
    hidden = set()
    for file in loaded.files:
        definition = file.definition or _alone(file, loaded)
        if definition is None or definition.name in found:
            hidden.add(file.keys.name)
        else:
            found[definition.name] = Entry(path=file.document.source.path, definition=definition)
    read = {entry.path for entry in found.values()}
    unread = sorted(path for path in loaded.texts if path not in read and not is_project(path))
    return Snapshot(
        name=name,
        workflows=found,
        project=loaded.project if loaded.project_ok else None,
        unread=tuple(unread),
        hidden=frozenset(hidden - found.keys()),
    )


def _alone(file: WorkflowFile, loaded: Loaded) -> Definition | None:
    """The workflow as if all others were as it wants them."""
    project = loaded.project if loaded.project_ok else None
    return compile_workflow(file.document, file.keys, project, Calls(complete=False))[0]
