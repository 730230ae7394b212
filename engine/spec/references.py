"""Checks the names in a workflow that project.yaml must have: channels, people, groups, webhook sources, queues."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.core.project import DEFAULT_QUEUE, RESERVED_QUEUE, ROLES, Project
from engine.core.values import Json
from engine.spec.models import WorkflowKeys
from engine.spec.nodes import Path
from engine.spec.notebook import Notebook
from engine.spec.task_models import LeafKeys
from engine.spec.walk import every_leaf


def check_references(notebook: Notebook, keys: WorkflowKeys, project: Project) -> None:
    """Note every name of one workflow that the project lacks."""
    for index, trigger in enumerate(keys.on.webhook):
        note_unknown_source(notebook, project, trigger.source, ("on", "webhook", index, "source"))
    for path, task in every_leaf(keys):
        _check_task(notebook, task, project, (*path, "with"))
        _check_queue(notebook, project, task.queue, (*path, "queue"))
    _check_queue(notebook, project, keys.defaults.queue, ("defaults", "queue"))


def note_unknown_source(notebook: Notebook, project: Project, name: str, path: Path) -> None:
    """Note a webhook source that the project does not have."""
    _note(notebook, "webhook source", name, project.webhooks, path)


def note_unknown_channel(notebook: Notebook, project: Project, name: str, path: Path) -> None:
    """Note a channel that the project does not have."""
    _note(notebook, "channel", name, project.channels, path)


def note_unknown_person(notebook: Notebook, project: Project, name: str, path: Path) -> None:
    """Note a person that the project does not have."""
    if name in project.groups and name not in project.people:
        notebook.note(path, "unknown-person", f'"{name}" is a group, not a person', suggestion=f"group:{name}")
    else:
        _note(notebook, "person", name, project.people, path)


def note_unknown_receiver(notebook: Notebook, project: Project, name: str, path: Path) -> None:
    """Note a person or `group:NAME` that the project does not have."""
    group = name.removeprefix("group:")
    if group == name:
        note_unknown_person(notebook, project, name, path)
    else:
        _note(notebook, "group", group, project.groups, path)


def _note(notebook: Notebook, what: str, name: str, known: Mapping[str, object], path: Path) -> None:
    if name not in known:
        rule, message = f"unknown-{what.replace(' ', '-')}", f'there is no {what} "{name}" in project.yaml'
        notebook.note(path, rule, message, suggestion=notebook.suggest(name, known))


def _check_task(notebook: Notebook, task: LeafKeys, project: Project, path: Path) -> None:
    given = task.with_ or {}
    if task.uses not in ("approval", "message"):
        return
    for _, channel, at in _words(given, "channel", path):
        note_unknown_channel(notebook, project, channel, at)
    for key, name, at in (
        *_words(given, "approvers", path),
        *_words(given, "exclude", path),
        *_words(given, "to", path),
    ):
        if (key == "exclude" and name in ROLES) or (key == "to" and "@" in name):
            continue
        note_unknown_receiver(notebook, project, name, at)


def _check_queue(notebook: Notebook, project: Project, name: str | None, path: Path) -> None:
    """Where a project says which queues there are, there are no others."""
    if name == RESERVED_QUEUE:
        notebook.note(path, "reserved-name", f'the queue "{name}" is the engine\'s own; give it another name')
    elif name is not None and project.queues and name != DEFAULT_QUEUE:
        _note(notebook, "queue", name, dict.fromkeys((*project.queues, DEFAULT_QUEUE)), path)


def _words(given: Mapping[str, Json], key: str, path: Path) -> Iterator[tuple[str, str, Path]]:
    """The text or texts at `key` with their places; what a template will give is only known when it runs."""
    value = given.get(key)
    entries = enumerate(value) if isinstance(value, list) else [(None, value)]
    for index, word in entries:
        if isinstance(word, str) and "${{" not in word:
            yield key, word, (*path, key) if index is None else (*path, key, index)
