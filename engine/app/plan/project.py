"""What changes in project.yaml, and which workflows use what changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from engine.app.plan.code import Written
from engine.app.plan.keys import differences
from engine.app.plan.model import KeyChange, ProjectChange
from engine.app.plan.snapshot import Snapshot
from engine.app.plan.uses import Use, uses
from engine.core.project import Project

_ELSEWHERE = {
    "approval_identity": ("approvals", "identity"),
    "sync_channel": ("sync", "channel"),
    "sync_webhook": ("sync", "webhook"),
    "status_secret": ("sync", "status.secret"),
    "status_url": ("sync", "status.url"),
}
"""Where project.yaml has what `Project` calls otherwise."""
Used: TypeAlias = list[tuple[str, frozenset[Use]]]
"""What each workflow of either side uses."""
_ONE_OF_ALL = ("vars", "secrets")
"""Sections that an expression can read as a whole."""


def project_changes(before: Snapshot, after: Snapshot) -> Iterator[ProjectChange]:
    """Each value that differs, with all the workflows of either side that it touches."""
    if before.project is None or after.project is None:
        return
    used = [*_used(before, before.project), *_used(after, after.project)]
    then, now = project_keys(before.project), project_keys(after.project)
    for section in {**then, **now}:
        one, other = then.get(section), now.get(section)
        if isinstance(one, dict) and isinstance(other, dict):
            for name in {**one, **other}:
                pair = _only(name, one), _only(name, other)
                yield from _told(differences(*pair, section), _touched(section, name, used))
        else:
            yield from _told(differences({section: one}, {section: other}), _touched(section, "", used))


def _only(name: str, entries: dict[str, Written]) -> dict[str, Written]:
    return {name: entries[name]} if name in entries else {}


def _told(found: Iterator[KeyChange], touched: tuple[str, ...]) -> Iterator[ProjectChange]:
    for one in found:
        yield ProjectChange(key=one.key, change=one.change, before=one.before, after=one.after, touches=touched)


def project_keys(project: Project) -> dict[str, Written]:
    """A project in the words of its file; what is one of a list is a key without a value."""
    keys: dict[str, Written] = {}
    for name, value in project.to_json().items():
        section, key = _ELSEWHERE.get(name, (name, ""))
        if key:
            keys.setdefault(section, {})[key] = value
        elif name in ("secrets", "queues"):
            keys[name] = dict.fromkeys(value)
        elif name in ("people", "channels", "webhooks"):
            keys[name] = {one: {k: v for k, v in entry.items() if k != "name"} for one, entry in value.items()}
        else:
            keys[name] = value
    return keys


def _used(side: Snapshot, project: Project) -> Iterator[tuple[str, frozenset[Use]]]:
    for name, entry in side.workflows.items():
        yield name, uses(entry.definition, project)


def _touched(section: str, name: str, used: Used) -> tuple[str, ...]:
    """The workflows that use it, or all of its section."""
    wanted = {(section, name)} | ({(section, "")} if section in _ONE_OF_ALL else set())
    return tuple(sorted({workflow for workflow, found in used if wanted & found}))
