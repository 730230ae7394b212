"""Which names an expression may read at its place in a file, and what is known of them (LANGUAGE, "Expressions")."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from engine.core.project import Project
from engine.core.values import Json, JsonObject
from engine.spec.graph import Graph
from engine.spec.models import TaskKeys, WorkflowKeys
from engine.spec.names import Scope
from engine.spec.output_shapes import output_shape, shape_of, shape_of_value

_TEXT: JsonObject = {"type": "string"}
_OPEN: JsonObject = {"type": "object", "additionalProperties": {"description": "anything"}}
_WORKER_KINDS = frozenset({"script", "http", "python", "message"})
"""Kinds that run in a worker, where secrets are; the others are decided where nothing secret may be."""


def _closed(properties: Mapping[str, Json], *, optional: tuple[str, ...] = ()) -> JsonObject:
    return {"type": "object", "properties": properties, "x-optional": optional}


_ERROR = _closed(
    {"kind": _TEXT, "message": _TEXT, "details": _OPEN, "line": {"type": "integer"}, "column": {"type": "integer"}},
    optional=("details", "line", "column"),
)
_FAILURE = _closed({"path": _TEXT, "outcome": _TEXT, "error": _ERROR}, optional=("error",))
_INSTANCE = _closed(
    dict.fromkeys(("id", "workflow", "commit", "state", "started_at", "started_by"), _TEXT)
    | {"failures": {"type": "array", "items": _FAILURE}}
)
_TRIGGER = _closed({name: {} for name in ("source", "event", "headers", "body", "id", "received_at", "scheduled_at")})


class Visible:
    """The scopes of one workflow file. `project` is None where project.yaml has errors: nothing counts as unknown then."""

    def __init__(self, keys: WorkflowKeys, project: Project | None) -> None:
        self._keys = keys
        self._project = project
        self._views: dict[tuple[int, bool, bool, bool], Json] = {}

    def to_task(self, name: str, graph: Graph, *, at_end: bool) -> Scope:
        """What a task reads: those it waits for; in `finally` (`at_end`) also all tasks of the workflow, whatever became of them."""
        tasks = self._keys.finally_ if at_end else self._keys.tasks
        reliance = graph.reliance
        proved, settled, failed = reliance.proved(name), reliance.settled(name), reliance.failed(name)
        seen = {
            other: self._task(tasks[other], sure=other in proved, settled=other in settled, failed=other in failed)
            for other in reliance.before(name)
        }
        if at_end:
            seen = {other: view for other, view in self._ended.items() if other not in tasks} | seen
        return self._with_tasks(seen)

    def to_outputs(self, graph: Graph | None) -> Scope:
        """What the outputs of the workflow read: every task, for all have ended."""
        sure = graph.reliance.proved_at_end() if graph else frozenset[str]()
        return self._with_tasks(
            {name: self._task(task, sure=name in sure, settled=True) for name, task in self._keys.tasks.items()}
        )

    def to_checks(self) -> Scope:
        """What `checks` read: there is no instance yet."""
        return _closed({"inputs": self._inputs, "vars": self._vars, "trigger": _TRIGGER})

    def to_trigger(self) -> Scope:
        """What `on` reads: there are no inputs yet."""
        return _closed({"trigger": _TRIGGER, "vars": self._vars})

    def to_default_retry(self) -> Scope:
        """What `defaults.retry.if` reads: it stands for all tasks, so it sees none."""
        return self.with_error(self._with_tasks({}))

    def with_error(self, scope: Scope) -> Scope:
        """The same in `retry.if`."""
        return _closed({**scope["properties"], "error": _ERROR})

    def with_secrets(self, scope: Scope, kind: str) -> Scope:
        """The same in `with` and `env`, where tasks that run in a worker may read secrets."""
        if kind not in _WORKER_KINDS:
            return scope
        known = None if self._project is None else self._project.secrets
        secrets = _OPEN if known is None else _closed(dict.fromkeys(known, _TEXT))
        return _closed({**scope["properties"], "secrets": secrets})

    def _with_tasks(self, tasks: Mapping[str, Json]) -> Scope:
        return _closed(
            {
                "inputs": self._inputs,
                "tasks": _closed(tasks),
                "vars": self._vars,
                "trigger": _TRIGGER,
                "instance": _INSTANCE,
            }
        )

    @cached_property
    def _inputs(self) -> Json:
        return _closed({name: shape_of(schema) for name, schema in self._keys.inputs.items()})

    @cached_property
    def _vars(self) -> Json:
        return _OPEN if self._project is None else shape_of_value(self._project.vars)

    @cached_property
    def _ended(self) -> Mapping[str, Json]:
        return {name: self._task(task, sure=False, settled=True) for name, task in self._keys.tasks.items()}

    def _task(self, task: TaskKeys, *, sure: bool, settled: bool, failed: bool = False) -> Json:
        """`tasks.ID`: its outputs are there if it `sure`ly succeeded, its outcome if it has surely `settled`."""
        key = (id(task), sure, settled, failed)  # the keys live as long as this object
        if key not in self._views:
            absent = [name for name, there in (("outcome", settled), ("error", failed)) if not there]
            properties = {"outputs": output_shape(task, sure=sure), "outcome": _TEXT, "error": _ERROR}
            self._views[key] = _closed(properties, optional=tuple(absent))
        return self._views[key]
