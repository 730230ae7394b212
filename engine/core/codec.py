"""A definition as the JSON document that is stored, and back.

What has its default is left out, so that a digest does not change when a later version of the engine adds a field.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import MISSING, fields
from functools import cache
from typing import Any

import orjson

from engine.core.expressions.codec import (
    expression_from_json,
    expression_to_json,
    template_from_json,
    template_to_json,
)
from engine.core.expressions.model import Expression
from engine.core.model import (
    ArtifactIn,
    Artifacts,
    Cache,
    Check,
    Concurrency,
    Definition,
    Edge,
    EventTrigger,
    ForEach,
    Join,
    RateLimit,
    Repeat,
    Retry,
    ScheduleTrigger,
    Task,
    TaskList,
    WebhookTrigger,
    WorkflowTrigger,
)
from engine.core.values import Json, JsonObject
from engine.errors import Newer


def definition_to_json(definition: Definition) -> JsonObject:
    """The document that `definition_from_json` reads."""
    return _dump(definition)


def definition_from_json(document: JsonObject) -> Definition:
    """Read a stored definition. Raises Newer if it is none: made by a newer engine, or damaged."""
    try:
        definition: Definition = _load(Definition, document)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise Newer(f"not a definition this engine can read: {error!r}") from None
    return definition


def digest(document: Json) -> str:
    """The name of a document: SHA-256, in hex, over its JSON with sorted keys and no spaces."""
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _dump(value: Any) -> JsonObject:
    """A record as a map of its fields."""
    kind: Any = type(value)
    special = CODECS.get(kind, {})
    document: JsonObject = {}
    for name, default in _defaults(kind):
        content = getattr(value, name)
        if content is not default and content != default:
            document[name] = special[name][0](content) if name in special else content
    return document


def _load(kind: Any, document: JsonObject) -> Any:
    special = CODECS.get(kind, {})
    values = {
        name: special[name][1](content) if name in special and content is not None else content
        for name, content in document.items()
    }
    return kind(**values)


@cache
def _defaults(kind: type) -> tuple[tuple[str, Any], ...]:
    """What a record of this kind is made of, and what that is where nothing is said."""
    return tuple(
        (field.name, field.default if field.default_factory is MISSING else field.default_factory())
        for field in fields(kind)
        if field.init
    )


def _dump_all(values: tuple[Any, ...]) -> list[JsonObject]:
    return [_dump(value) for value in values]


def _loader(kind: Any) -> Callable[[JsonObject], Any]:
    return lambda document: _load(kind, document)


def _loader_of_all(kind: Any) -> Callable[[list[JsonObject]], Any]:
    return lambda documents: tuple(_load(kind, document) for document in documents)


def _dump_tasks(tasks: TaskList) -> JsonObject:
    """The tasks as a list, because databases do not keep the order of a map's keys, and the order of tasks matters."""
    return {**_dump(tasks), "tasks": [_dump(task) for task in tasks.tasks.values()]}


def _load_tasks(document: JsonObject) -> TaskList:
    tasks = [_load(Task, task) for task in document["tasks"]]
    loaded: TaskList = _load(TaskList, {**document, "tasks": {task.id: task for task in tasks}})
    return loaded


def _dump_cases(cases: tuple[tuple[str, Expression | None], ...]) -> Json:
    return [[name, None if condition is None else expression_to_json(condition)] for name, condition in cases]


def _load_cases(document: list[list[Json]]) -> tuple[tuple[str, Expression | None], ...]:
    return tuple((name, None if condition is None else expression_from_json(condition)) for name, condition in document)


_TEMPLATE = (template_to_json, template_from_json)
_EXPRESSION = (expression_to_json, expression_from_json)
_TASKS = (_dump_tasks, _load_tasks)

CODECS: dict[type, dict[str, tuple[Callable[[Any], Json], Callable[[Any], Any]]]] = {
    Definition: {
        "tasks": _TASKS,
        "finally_": _TASKS,
        "checks": (_dump_all, _loader_of_all(Check)),
        "webhooks": (_dump_all, _loader_of_all(WebhookTrigger)),
        "schedules": (_dump_all, _loader_of_all(ScheduleTrigger)),
        "events": (_dump_all, _loader_of_all(EventTrigger)),
        "workflows": (_dump_all, _loader_of_all(WorkflowTrigger)),
        "concurrency": (_dump, _loader(Concurrency)),
        "outputs": _TEMPLATE,
        "labels": (dict, dict),
    },
    TaskList: {
        "followers": (
            lambda followers: {name: list(found) for name, found in followers.items()},
            lambda followers: {name: tuple(found) for name, found in followers.items()},
        ),
        "outputs": _TEMPLATE,
        "until": _EXPRESSION,
    },
    Task: {
        "edges": (_dump_all, _loader_of_all(Edge)),
        "join": (_dump, _loader(Join)),
        "condition": _EXPRESSION,
        "params": _TEMPLATE,
        "env": _TEMPLATE,
        "retry": (_dump, _loader(Retry)),
        "cases": (_dump_cases, _load_cases),
        "body": _TASKS,
        "for_each": (_dump, _loader(ForEach)),
        "repeat": (_dump, _loader(Repeat)),
        "match": _EXPRESSION,
        "compensate": _TASKS,
        "concurrency": (_dump, _loader(Concurrency)),
        "rate_limit": (_dump, _loader(RateLimit)),
        "cache": (_dump, _loader(Cache)),
        "artifacts": (_dump, _loader(Artifacts)),
    },
    Retry: {"condition": _EXPRESSION},
    ForEach: {"items": _TEMPLATE, "key": _EXPRESSION},
    Repeat: {"condition": _EXPRESSION},
    Concurrency: {"group": _TEMPLATE},
    RateLimit: {"group": _TEMPLATE},
    Cache: {"key": _TEMPLATE},
    Artifacts: {"in_": (_dump_all, _loader_of_all(ArtifactIn)), "out": (dict, dict)},
    Check: {"condition": _EXPRESSION, "message": _TEMPLATE},
    WebhookTrigger: {"events": (list, tuple), "condition": _EXPRESSION, "inputs": _TEMPLATE},
    ScheduleTrigger: {"inputs": _TEMPLATE},
    EventTrigger: {"condition": _EXPRESSION, "inputs": _TEMPLATE},
    WorkflowTrigger: {"condition": _EXPRESSION, "inputs": _TEMPLATE},
}
"""Fields that are not JSON already, with how they are written and read."""
