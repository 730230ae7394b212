"""What loading a commit would change: which workflows get a new version, and whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from uuid_utils import uuid7

from engine.app.git_ports import Commit, Repository
from engine.app.ports import DefinitionStore
from engine.app.versions import ProjectVersion, Version
from engine.core.codec import definition_to_json, digest
from engine.core.model import Definition
from engine.core.project import Project
from engine.spec.load import Loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The versions and the project that would be active, and the names of the workflows that differ from now."""

    versions: tuple[Version, ...]
    project: ProjectVersion
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    same_project: bool

    @property
    def changes(self) -> bool:
        """Whether anything would be different."""
        return bool(self.added or self.changed or self.removed) or not self.same_project


def make_plan(source: str, head: Commit, loaded: Loaded, definitions: DefinitionStore, repository: Repository) -> Plan:
    """Hold what was loaded from `head` against what is active. Raises Unavailable, Rejected (the history)."""
    active = {version.workflow: version for version in definitions.active_all() if version.source == source}
    live = definitions.project()
    versions = tuple(
        _kept(path, definition, loaded.texts[path], active)
        or _new(definition, path, loaded.texts[path], source=source, head=head, repository=repository)
        for path, definition in sorted(loaded.workflows.items())
    )
    names = {version.workflow: version.id for version in versions}
    return Plan(
        versions=versions,
        project=ProjectVersion(source=source, commit=head.sha, document=loaded.project.to_json()),
        added=tuple(sorted(names.keys() - active.keys())),
        changed=tuple(sorted(name for name in names.keys() & active.keys() if names[name] != active[name].id)),
        removed=tuple(sorted(active.keys() - names.keys())),
        same_project=live is not None and Project.from_json(live.document) == loaded.project,
    )


def _kept(path: str, definition: Definition, text: str, active: Mapping[str, Version]) -> Version | None:
    """The active version, where the commit leaves it as it is."""
    version = active.get(definition.name)
    if version is None or (version.path, version.text) != (path, text):
        return None
    return version if version.digest == digest(definition_to_json(definition)) else None


def _new(definition: Definition, path: str, text: str, *, source: str, head: Commit, repository: Repository) -> Version:
    """A version by the author of the last commit that touched the file: a merge made nobody its author."""
    change = repository.last_change(head.sha, path)
    document = definition_to_json(definition)
    return Version(
        id=str(uuid7()),
        workflow=definition.name,
        digest=digest(document),
        source=source,
        commit=head.sha,
        path=path,
        author_name=change.author_name,
        author_email=change.author_email,
        committed_at=change.committed_at,
        text=text,
        document=document,
    )
