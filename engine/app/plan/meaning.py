"""What a definition means, in the words of its file: what does not change it (places, order, spelling) is left out."""

from __future__ import annotations

from collections.abc import Iterator

from engine.app.plan.code import Written, bare, written
from engine.core.durations import text
from engine.core.keys import FINALLY, ROOT, task_path
from engine.core.model import Artifacts, Cache, Concurrency, Definition, Edge, ForEach, RateLimit, Retry, Task, TaskList
from engine.core.outcomes import positive
from engine.core.values import JsonObject

Keys = dict[str, Written]

LOOPS_AND_GROUPS = frozenset({"group", "for_each", "repeat"})
EACH = "each"
"""Before the keys of a loop's task that the loop has for itself, too."""


def workflow_keys(definition: Definition) -> Keys:
    """Everything but its tasks, its triggers and the project's vars."""
    checks = [{"if": bare(one.condition), "message": written(one.message)} for one in definition.checks]
    return _given(
        {
            "description": definition.description or None,
            "labels": dict(definition.labels) or None,
            "inputs": inputs(definition) or None,
            "checks": checks or None,
            "concurrency": _concurrency(definition.concurrency),
            "timeout": _span(definition.timeout),
            "fail_fast": definition.tasks.fail_fast or None,
            "outputs": written(definition.outputs) or None,
        }
    )


def inputs(definition: Definition) -> JsonObject:
    """The schemas of the inputs, as they were written."""
    properties = definition.inputs.get("properties", {})
    return {name: _own(schema) for name, schema in properties.items()}


def every_task(definition: Definition) -> Iterator[tuple[str, Task, Keys]]:
    """Each task that has an id, with its path and its keys; those around others first."""
    yield from _tasks(ROOT, definition.tasks)
    yield from _tasks(FINALLY, definition.finally_)


def inmost(task: Task) -> Task:
    """What runs for each item and iteration: a task without a list of its own, or one whose list has ids."""
    while task.body is not None and "" in task.body.tasks:
        task = task.body.tasks[""]
    return task


def kind_of(task: Task) -> str:
    """What a task is to those who read of it."""
    inner = inmost(task)
    return inner.kind if inner.body is None else "group"


def _tasks(around: str, tasks: TaskList) -> Iterator[tuple[str, Task, Keys]]:
    for task in tasks.tasks.values():
        path = task_path(around, task.id)
        yield path, task, _task(task, tasks)
        body = inmost(task).body
        if body is not None:
            yield from _tasks(path, body)


def _task(task: Task, beside: TaskList) -> Keys:
    """A task's keys, with those of what it runs again and again."""
    keys = _given({"needs": sorted({_edge(edge, beside) for edge in task.edges}) or None}) | _single(task)
    while task.body is not None:
        keys |= _list(task.body, task)
        if "" not in task.body.tasks:
            break
        task = task.body.tasks[""]
        keys |= {f"{EACH}.{key}" if key == "deadline" else key: value for key, value in _single(task).items()}
    return keys


def _edge(edge: Edge, beside: TaskList) -> str:
    source = beside.tasks.get(edge.source)
    usual = source is not None and edge.outcome == positive(source.kind)
    return edge.source if usual else f"{edge.source}.{edge.outcome}"


def _single(task: Task) -> Keys:
    """What one task says of itself, wherever it stands."""
    join = {"at_least": task.join.n} if task.join.mode == "at_least" else task.join.mode
    return _given(
        {
            "join": None if join == "all" else join,
            "cancel_rest": task.cancel_rest or None,
            "if": bare(task.condition),
            **_what(task),
            "env": written(task.env) or None,
            "outputs": task.outputs or None,
            **(_for_each(task.for_each) if task.for_each else {}),
            "retry": _retry(task.retry) or None,
            "timeout": _span(task.timeout),
            "deadline": _span(task.deadline),
            "continue_on_error": task.continue_on_error or None,
            "compensate": None if task.compensate is None else _single(task.compensate.tasks[""]),
            "concurrency": _concurrency(task.concurrency),
            "rate_limit": _rate_limit(task.rate_limit),
            "cache": _cache(task.cache),
            "artifacts": _artifacts(task.artifacts),
            "queue": None if task.queue == "tasks" else task.queue,
            "priority": task.priority or None,
            "description": task.description or None,
        }
    )


def _what(task: Task) -> Keys:
    """What it does, in the one of four forms that it has."""
    given = written(task.params)
    if task.kind == "script" and isinstance(given, dict):
        return {"run" if key == "script" else key: value for key, value in given.items()}
    if task.kind == "switch":
        return {"switch": [{name: bare(when) or "otherwise"} for name, when in task.cases]}
    if task.kind in LOOPS_AND_GROUPS:
        return {}
    if task.match is not None and isinstance(given, dict):
        given = {**given, "match": bare(task.match)}
    if task.kind == "workflow":
        return {"workflow": task.workflow, "with": given or None, "wait": None if task.wait else False}
    return {"uses": task.kind, "with": given or None}


def _list(body: TaskList, task: Task) -> Keys:
    """What a task says of the list that it runs."""
    repeat = task.repeat
    loop = None
    if repeat is not None:
        condition, until = bare(repeat.condition), bare(body.until)
        delay = _span(repeat.delay or None)
        loop = _given({"while": condition, "until": until, "max_iterations": repeat.max_iterations, "delay": delay})
    outputs = None if body.outputs is None else written(body.outputs)
    found = {"repeat": loop, "outputs": outputs, "timeout": _span(body.timeout), "fail_fast": body.fail_fast or None}
    return _given(found)


def _for_each(loop: ForEach) -> Keys:
    return {
        "for_each": written(loop.items),
        "as": None if loop.name == "item" else loop.name,
        "key": bare(loop.key),
        "max_parallel": loop.max_parallel,
        "fail_fast": loop.fail_fast or None,
        "enough": loop.enough,
        "rest": None if loop.rest == "cancel" else loop.rest,
    }


def _retry(retry: Retry) -> Keys:
    usual = Retry()
    return _given(
        {
            "max_attempts": None if retry.max_attempts == usual.max_attempts else retry.max_attempts,
            "delay": None if retry.delay == usual.delay else text(retry.delay),
            "backoff": None if retry.backoff == usual.backoff else retry.backoff,
            "max_delay": None if retry.max_delay == usual.max_delay else text(retry.max_delay),
            "if": bare(retry.condition),
        }
    )


def _concurrency(concurrency: Concurrency | None) -> Keys | None:
    if concurrency is None:
        return None
    return {
        "group": written(concurrency.group),
        "limit": concurrency.limit,
        "when_full": concurrency.when_full,
        **({"hold_while_waiting": True} if concurrency.hold_while_waiting else {}),
    }


def _rate_limit(rate: RateLimit | None) -> Keys | None:
    return None if rate is None else {"group": written(rate.group), "limit": rate.limit, "per": text(rate.per)}


def _cache(cache: Cache | None) -> Keys | None:
    return None if cache is None else _given({"key": written(cache.key), "ttl": _span(cache.ttl)})


def _artifacts(artifacts: Artifacts | None) -> Keys | None:
    if artifacts is None:
        return None
    taken = [{"task": one.task, "name": one.name, "to": one.to} for one in artifacts.in_]
    return _given({"in": taken or None, "out": dict(artifacts.out) or None})


def _span(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else text(milliseconds)


def _own(schema: Written) -> Written:
    """Without the name that the compiler gives it."""
    return {key: value for key, value in schema.items() if key != "$id"} if isinstance(schema, dict) else schema


def _given(keys: Keys) -> Keys:
    """Those that are there."""
    return {key: value for key, value in keys.items() if value is not None}
