"""Messages that nobody sends: put into the outbox by hand, or by a version of us that never was."""

from __future__ import annotations

import json
from collections.abc import Iterator

ILL_TYPED = (None, 7, 1e300, "", "\0", [], {}, [[]], {"type": []})
"""Where something else belongs."""
RUN = {
    "type": "RunTask",
    "instance": "nobody",
    "path": "build",
    "attempt": 1,
    "kind": "no-such-kind",
    "params": {},
    "env": {},
    "outputs": {},
    "timeout": None,
    "queue": "tasks",
    "workflow": "w",
}
"""A command as far as it goes; no worker knows its kind."""
UNREADABLE = {
    "postgresql": ['{"type": "\\ud800"}'],
    "sqlite": ['{"type": "\\ud800"}', '{"type": NaN}', '{"type": "Run'],
}
"""What a database keeps as a document and cannot even be sent."""
COMMANDS = ("RunTask", "CancelTask", "AskApprovers", "StartChild", "CancelChild", "MatchEvent", "RouteEvent", "GoOn")


def commands() -> Iterator[str]:
    """Bodies for a task queue."""
    yield from map(json.dumps, ILL_TYPED)
    for value in (*ILL_TYPED, "Explode"):
        yield json.dumps({"type": value})
    yield json.dumps(RUN)
    for key in RUN.keys() - {"type"}:
        for value in ILL_TYPED:
            yield json.dumps(RUN | {key: value})
    for name in COMMANDS:
        yield json.dumps({"type": name})
        for value in ILL_TYPED:
            yield json.dumps({"type": name, "instance": value, "path": value, "attempt": value})


def notifications(instance: str) -> Iterator[str]:
    """Bodies for the notification queue; `instance` is a real one."""
    yield from map(json.dumps, ILL_TYPED)
    event = {"type": "TaskSucceeded", "task": "no-such-task", "attempt": 1, "outputs": {}}
    for name in (instance, "nobody", "no\0body", *ILL_TYPED):
        yield json.dumps({"instance": name, "scope": "", "event": event})
    for value in (*ILL_TYPED, "nowhere", "no\0where"):
        yield json.dumps({"instance": instance, "scope": value, "event": event})
        yield json.dumps({"instance": instance, "scope": "", "event": value})
        yield json.dumps({"instance": instance, "scope": "", "event": {"type": value}})
        for key in event:
            yield json.dumps({"instance": instance, "scope": "", "event": event | {key: value}})
