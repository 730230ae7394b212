"""Which names an expression may read at its place in a file, and what is known of them (LANGUAGE, "Expressions")."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
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


class _Views(Mapping[str, Json]):
    """Tasks by name, each made when an expression reads it: of thousands, a place can see thousands."""

    def __init__(self, names: Callable[[], Iterable[str]], view: Callable[[str], Json | None]) -> None:
        self._names = names
        self._view = view

    def __getitem__(self, name: str) -> Json:
        view = self._view(name)
        if view is None:
            raise KeyError(name)
        return view

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Visible:
    """The scopes of one workflow file. `project` is None where project.yaml has errors: nothing counts as unknown then."""

    def __init__(self, keys: WorkflowKeys, project: Project | None) -> None:
        self._keys = keys
        self._project = project
        self._views: dict[tuple[int, bool, bool, bool], Json] = {}

    def to_task(self, name: str, graph: Graph, *, at_end: bool) -> Scope:
        """What a task reads: those it waits for; in `finally` (`at_end`) also all tasks of the workflow, whatever became of them."""
        tasks = self._keys.finally_ if at_end else self._keys.tasks
        outer = self._only_before_the_end if at_end else frozenset[str]()
        reliance = graph.reliance

        def view(other: str) -> Json | None:
            if reliance.awaits(name, other):
                return self._task(
                    tasks[other],
                    sure=reliance.proves(name, other),
                    settled=reliance.settles(name, other),
                    failed=reliance.fails(name, other),
                )
            return self._task(self._keys.tasks[other], sure=False, settled=True) if other in outer else None

        return self._with_tasks(_Views(lambda: (*outer, *reliance.before(name)), view))

    def to_outputs(self, graph: Graph | None) -> Scope:
        """What the outputs of the workflow read: every task, for all have ended."""

        def view(other: str) -> Json | None:
            if other not in self._keys.tasks:
                return None
            sure = graph is not None and graph.reliance.proves_at_end(other)
            return self._task(self._keys.tasks[other], sure=sure, settled=True)

        return self._with_tasks(_Views(self._keys.tasks.keys, view))

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
        return _closed({**scope["properties"], "secrets": self._secrets})

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
    def _secrets(self) -> Json:
        return _OPEN if self._project is None else _closed(dict.fromkeys(self._project.secrets, _TEXT))

    @cached_property
    def _only_before_the_end(self) -> frozenset[str]:
        """Tasks that `finally` reads by names which none of its own has taken."""
        return frozenset(self._keys.tasks.keys() - self._keys.finally_.keys())

    def _task(self, task: TaskKeys, *, sure: bool, settled: bool, failed: bool = False) -> Json:
        """`tasks.ID`: its outputs are there if it `sure`ly succeeded, its outcome if it has surely `settled`."""
        key = (id(task), sure, settled, failed)  # the keys live as long as this object
        if key not in self._views:
            absent = [name for name, there in (("outcome", settled), ("error", failed)) if not there]
            properties = {"outputs": output_shape(task, sure=sure), "outcome": _TEXT, "error": _ERROR}
            self._views[key] = _closed(properties, optional=tuple(absent))
        return self._views[key]
