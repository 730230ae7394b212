"""What of project.yaml a workflow uses, by section and name."""

from __future__ import annotations

from collections.abc import Iterator

from engine.app.plan.triggers import KINDS
from engine.core.expressions.model import Expression, ListOf, Literal, MapOf, Template
from engine.core.expressions.reads import refs
from engine.core.model import Definition, ScheduleTrigger, Task
from engine.core.project import Project

Use = tuple[str, str]
"""A section of project.yaml, and the name of an entry; `time_zone` has none."""
_ASKS = ("approval", "message")
_NAMES = ("approvers", "exclude", "to")


def uses(definition: Definition, project: Project) -> frozenset[Use]:
    """Everything it names, reads or is reached through; what an expression will name cannot be known."""
    found = set(_direct(definition, project))
    for section, name in list(found):
        if section == "channels" and name in project.channels:
            found |= set(_receivers(project.channels[name].to))
    for section, name in list(found):
        if section == "groups":
            found |= {("people", member) for member in project.groups.get(name, ())}
    return frozenset(found)


def _direct(definition: Definition, project: Project) -> Iterator[Use]:
    for entries in KINDS.values():
        for trigger in entries(definition):
            if isinstance(trigger, ScheduleTrigger) and trigger.timezone == project.time_zone:
                yield "time_zone", ""
    yield from (("webhooks", one.source) for one in definition.webhooks)
    for task in _tasks(definition):
        yield "queues", task.queue
        if task.kind in _ASKS:
            yield from _named(task.params)
    for ref in _reads(definition):
        if ref[0] in ("vars", "secrets"):
            yield ref[0], ref[1] if len(ref) > 1 else ""


def _named(params: Template) -> Iterator[Use]:
    channel = _part(params, "channel")
    if isinstance(channel, str):
        yield "channels", channel
    for key in _NAMES:
        value = _part(params, key)
        yield from _receivers(value if isinstance(value, list | tuple) else [value])


def _part(params: Template, key: str) -> object:
    """A value of `with` as far as it stands there; of a list with expressions in it, the rest."""
    if isinstance(params, Literal):
        return params.value.get(key) if isinstance(params.value, dict) else None
    found = dict(params.items).get(key) if isinstance(params, MapOf) else None
    if isinstance(found, ListOf):
        return [item.value for item in found.items if isinstance(item, Literal)]
    return found.value if isinstance(found, Literal) else None


def _receivers(names: object) -> Iterator[Use]:
    for name in names if isinstance(names, list | tuple) else ():
        if isinstance(name, str) and "@" not in name:
            group = name.removeprefix("group:")
            yield ("people", name) if group == name else ("groups", group)


def _tasks(definition: Definition) -> Iterator[Task]:
    """Every task of every list, those that undo among them."""
    for tasks in definition.lists.values():
        yield from tasks.tasks.values()


def _reads(definition: Definition) -> Iterator[tuple[str, ...]]:
    """Every path that an expression of it reads."""
    templates: list[Template] = [definition.outputs]
    for check in definition.checks:
        templates += [check.condition, check.message]
    for entries in KINDS.values():
        for trigger in entries(definition):
            condition: Expression | None = getattr(trigger, "condition", None)
            templates += [trigger.inputs, *([condition] if condition else [])]
    if definition.concurrency is not None:
        templates.append(definition.concurrency.group)
    for template in templates:
        yield from refs(template)
    for task in _tasks(definition):
        yield from task.reads
