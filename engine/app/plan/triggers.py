"""What starts a workflow by itself, with which entry of one side belongs to which of the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from engine.app.plan.code import Written, bare, same, written
from engine.app.plan.keys import change, differences
from engine.app.plan.meaning import Keys
from engine.app.plan.model import KeyChange
from engine.core.durations import text
from engine.core.model import Definition, EventTrigger, ScheduleTrigger, WebhookTrigger, WorkflowTrigger

Trigger = WebhookTrigger | ScheduleTrigger | EventTrigger | WorkflowTrigger
T = TypeVar("T")
KINDS: dict[str, Callable[[Definition], Sequence[Trigger]]] = {
    "webhook": lambda definition: definition.webhooks,
    "schedule": lambda definition: definition.schedules,
    "event": lambda definition: definition.events,
    "workflow": lambda definition: definition.workflows,
}
"""By the key in `on`."""


def trigger_changes(before: Definition, after: Definition) -> Iterator[KeyChange]:
    """What differs in `on`. Where entries stand tells only of those that are asked one after the other."""
    for kind, entries in KINDS.items():
        then, now = entries(before), entries(after)
        found = [difference for pair in pairs(then, now) for difference in _told(kind, *pair)]
        yield from found
        if not found and kind != "schedule":
            yield from _order(kind, [entry_keys(entry) for entry in then], [entry_keys(entry) for entry in now])


def pairs(before: Sequence[T], after: Sequence[T]) -> Iterator[tuple[T | None, T | None]]:
    """Entries that stand for each other: those that are the same are left out, then by name, then by what they give."""
    then, now = list(before), list(after)
    keys: tuple[Callable[[Any], Written], ...] = (entry_keys, label, lambda entry: written(entry.inputs))
    for number, key in enumerate(keys):
        for one in list(then):
            other = next((each for each in now if same(key(one), key(each))), None)
            if other is None or (number > 1 and not isinstance(one, ScheduleTrigger)):
                continue
            then.remove(one)
            now.remove(other)
            if number:
                yield one, other
    yield from ((one, None) for one in then)
    yield from ((None, other) for other in now)


def label(entry: Trigger) -> str:
    """What an entry is called."""
    match entry:
        case WebhookTrigger():
            return entry.source
        case ScheduleTrigger():
            return entry.cron
        case EventTrigger():
            return entry.type
        case WorkflowTrigger():
            return entry.name


def entry_keys(entry: Trigger) -> Keys:
    """An entry in the words of its file."""
    keys: Keys
    match entry:
        case WebhookTrigger():
            keys = {"source": entry.source, "events": sorted(set(entry.events)) or None, "if": bare(entry.condition)}
        case ScheduleTrigger():
            keys = {"cron": entry.cron, "timezone": entry.timezone, "overlap": entry.overlap}
            keys["catch_up"] = text(entry.catch_up) if entry.catch_up else None
        case EventTrigger():
            keys = {"type": entry.type, "if": bare(entry.condition)}
        case WorkflowTrigger():
            keys = {"name": entry.name, "outcome": entry.outcome, "if": bare(entry.condition)}
    keys["inputs"] = written(entry.inputs) or None
    return {key: value for key, value in keys.items() if value is not None}


def _told(kind: str, before: Trigger | None, after: Trigger | None) -> Iterator[KeyChange]:
    if before is not None and after is not None:
        yield from differences(entry_keys(before), entry_keys(after), "on", kind, label(before))
    elif before is not None:
        yield change(("on", kind, label(before)), before=entry_keys(before))
    elif after is not None:
        yield change(("on", kind, label(after)), after=entry_keys(after))


def _order(kind: str, before: list[Keys], after: list[Keys]) -> Iterator[KeyChange]:
    """The first entry that takes what happened starts the instance."""
    if not same(before, after):
        yield change(("on", kind), before=before, after=after)
