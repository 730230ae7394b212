"""Instances: start, look, wait."""

from __future__ import annotations

import time

from engine.api.models import (
    AfterQuery,
    HistoryEntry,
    Instance,
    InstanceQuery,
    LogLine,
    LogQuery,
    Page,
    Sequence,
    Start,
    Started,
    WaitQuery,
)
from engine.api.operations import Answer, Call, Header, Operation
from engine.api.paging import page
from engine.api.task_models import Task, Tasks, TasksQuery
from engine.app.large_outputs import whole
from engine.app.read import TaskView, has_part, task_at, tasks_in, tasks_of
from engine.app.records import FINAL
from engine.app.services import Services
from engine.core.codec import definition_from_json
from engine.core.keys import FINALLY, ROOT
from engine.core.model import Definition
from engine.errors import NotFound

PREFIX = "/api/v1/instances"
TAG = "instances"
IDEMPOTENCY_KEY = Header(
    name="Idempotency-Key", description="The same key gives the same instance, however often it is sent.", longest=200
)
EVERYTHING = 64 * 1024 * 1024
"""Bytes of large outputs that the answer about one task has."""
FIRST_LOOK = 0.02
LAST_LOOK = 1.0
"""Seconds between two looks of somebody who waits: short at first, as the hint may have come just before we listened."""


def start(call: Call) -> Answer:
    """Start an instance of a workflow's active version."""
    sent = call.sent(Start)
    workflow = call.path["name"]
    key = call.headers.get(IDEMPOTENCY_KEY.name)
    started = call.services.starter.start(workflow, sent.inputs, by=sent.by, start_key=key and f"api/{workflow}/{key}")
    return Answer(body=Started(id=started, workflow=workflow), status=201, headers={"Location": f"{PREFIX}/{started}"})


def listing(call: Call) -> Answer:
    """Instances, newest first."""
    asked = call.asked(InstanceQuery)
    rows = call.services.reader.list(
        workflow=asked.workflow, state=asked.state, parent=asked.parent, before=asked.before, limit=asked.limit
    )
    return page(call, Instance, rows, asked)


def get(call: Call) -> Answer:
    """One instance; with `wait` the answer comes when it has ended or the time is over, whichever is first."""
    name, services = call.path["id"], call.services
    deadline = time.monotonic() + call.asked(WaitQuery).wait
    instance = services.reader.get(name)
    look = FIRST_LOOK
    while instance.state not in FINAL and not call.closing.is_set():
        left = deadline - time.monotonic()
        if left <= 0:
            break
        services.signals.wait(name, min(look, left))
        look = min(look * 2, LAST_LOOK)
        instance = services.reader.get(name)
    return Answer(body=Instance.model_validate(instance))


def history(call: Call) -> Answer:
    """Every event an instance took, in order."""
    asked = call.asked(AfterQuery)
    call.services.reader.get(call.path["id"])
    rows = call.services.reader.history(call.path["id"], after=asked.after, limit=asked.limit)
    following = rows[-1].seq if len(rows) == asked.limit else None
    return Answer(body=Sequence(items=[HistoryEntry.model_validate(row) for row in rows], next=following))


def tasks(call: Call) -> Answer:
    """The tasks of an instance in the order of the DAG, each followed by what it consists of; many come in pages.

    Large outputs beyond 1 MiB in all stand as `{"$value", "size"}`.
    """
    asked, name, services = call.asked(TasksQuery), call.path["id"], call.services
    definition = _definition(services, name)
    if not has_part(definition, asked.scope):
        raise NotFound("scope", asked.scope)
    scopes = dict(services.reader.scopes(name, limit=asked.limit, below=asked.scope, after=asked.after))
    following = list(scopes)[asked.limit - 1] if len(scopes) >= asked.limit else None
    if asked.scope == ROOT and asked.after is None:
        views = tasks_of(definition, scopes)
    else:
        if asked.scope == ROOT:
            scopes.pop(FINALLY, None)  # the first page has it
        views = tasks_in(definition, scopes)
    found = whole(services.values, name, views)
    return Answer(body=Tasks(items=[Task.model_validate(view) for view in found], next=following))


def task(call: Call) -> Answer:
    """One task by its path, with all its outputs."""
    found = _task(call.services, call.path["id"], call.path["path"])
    [found] = whole(call.services.values, call.path["id"], [found], most=EVERYTHING)
    return Answer(body=Task.model_validate(found))


def logs(call: Call) -> Answer:
    """What the tasks of an instance printed."""
    asked = call.asked(LogQuery)
    if asked.path is None:
        call.services.reader.get(call.path["id"])
    else:
        _task(call.services, call.path["id"], asked.path)  # a slip must not look like a task that printed nothing
    lines = call.services.logs.read(call.path["id"], asked.path, after=asked.after, limit=asked.limit)
    following = asked.after + len(lines) if len(lines) == asked.limit else None
    return Answer(body=Sequence(items=[LogLine.model_validate(line) for line in lines], next=following))


def _task(services: Services, id: str, path: str) -> TaskView:
    return task_at(_definition(services, id), services.reader, id, path)


def _definition(services: Services, id: str) -> Definition:
    return definition_from_json(services.instances.definition(services.reader.get(id).digest))


OPERATIONS = (
    Operation(
        method="POST",
        path="/api/v1/workflows/{name}/instances",
        id="startInstance",
        summary="Start an instance",
        tag=TAG,
        handler=start,
        body=Start,
        answer=Started,
        status=201,
        headers=(IDEMPOTENCY_KEY,),
        problems=(404,),
    ),
    Operation(
        method="GET",
        path=PREFIX,
        id="listInstances",
        summary="List instances",
        tag=TAG,
        handler=listing,
        query=InstanceQuery,
        answer=Page[Instance],
    ),
    Operation(
        method="GET",
        path=PREFIX + "/{id}",
        id="getInstance",
        summary="Look at an instance, or wait for its end",
        tag=TAG,
        handler=get,
        query=WaitQuery,
        answer=Instance,
        problems=(404,),
        waits=lambda call: call.asked(WaitQuery).wait > 0,
    ),
    Operation(
        method="GET",
        path=PREFIX + "/{id}/history",
        id="getHistory",
        summary="What happened, event by event",
        tag=TAG,
        handler=history,
        query=AfterQuery,
        answer=Sequence[HistoryEntry],
        problems=(404,),
    ),
    Operation(
        method="GET",
        path=PREFIX + "/{id}/tasks",
        id="listTasks",
        summary="The tasks of an instance",
        tag=TAG,
        handler=tasks,
        query=TasksQuery,
        answer=Tasks,
        problems=(404,),
    ),
    Operation(
        method="GET",
        path=PREFIX + "/{id}/tasks/{path:path}",
        id="getTask",
        summary="One task",
        tag=TAG,
        handler=task,
        answer=Task,
        problems=(404,),
    ),
    Operation(
        method="GET",
        path=PREFIX + "/{id}/logs",
        id="getLogs",
        summary="What the tasks printed",
        tag=TAG,
        handler=logs,
        query=LogQuery,
        answer=Sequence[LogLine],
        problems=(404,),
    ),
)
