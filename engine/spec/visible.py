"""Which names an expression may read at its place in a file, and what is known of them (LANGUAGE, "Expressions")."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property

from engine.core.project import Project
from engine.core.values import Json, JsonObject
from engine.spec.kinds import WORKER_KINDS
from engine.spec.listed import Listed
from engine.spec.models import WorkflowKeys
from engine.spec.names import Scope
from engine.spec.output_shapes import EVENT, Children, item_shape, output_shape, shape_of, shape_of_value
from engine.spec.task_models import TaskKeys

_TEXT: JsonObject = {"type": "string"}
_OPEN: JsonObject = {"type": "object", "additionalProperties": {"description": "anything"}}
_COUNT: JsonObject = {"type": "integer"}


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

    def __init__(self, keys: WorkflowKeys, project: Project | None, children: Children) -> None:
        self._keys = keys
        self._project = project
        self._children = children
        self._views: dict[tuple[int, bool, bool, bool], Json] = {}
        self._items: dict[int, Json] = {}
        self._made: dict[int, Mapping[str, Json]] = {}

    def learn_item(self, task: TaskKeys, item: Json) -> None:
        """What the `for_each` of a task goes through; until then it may be anything."""
        self._items[id(task)] = item  # the keys live as long as this object

    def learn_outputs(self, task: TaskKeys, outputs: Json) -> None:
        """What a task's expressions make its outputs, for those that read it later."""
        self._made[id(task)] = outputs

    def to_task(self, listed: Listed, name: str) -> Scope:
        """What a task reads before it is known for which item or iteration: those that it, or a task around it, waits for."""
        views = _Views(lambda: listed.awaited(name), lambda other: self._view(listed, name, other))
        return self._with_tasks(views, listed)

    def to_undo(self, listed: Listed, name: str) -> Scope:
        """What undoes a task reads as well: the task itself, which has succeeded."""
        own = self._task(listed.tasks[name], sure=True, settled=True)

        def view(other: str) -> Json | None:
            return own if other == name else self._view(listed, name, other)

        return self._with_tasks(_Views(lambda: (name, *listed.awaited(name)), view), listed)

    def to_outputs(self, listed: Listed) -> Scope:
        """What the outputs of a list read: every task of it, for all have ended, and what those around it wait for."""
        views = _Views(lambda: listed.awaited(None), lambda other: self._at_end(listed, other))
        return self._with_tasks(views, listed)

    def to_checks(self) -> Scope:
        """What `checks` read, and the workflow's `concurrency`: there is no instance yet."""
        return _closed({"inputs": self._inputs, "vars": self._vars, "trigger": _TRIGGER})

    def to_trigger(self) -> Scope:
        """What `on` reads: there are no inputs yet."""
        return _closed({"trigger": _TRIGGER, "vars": self._vars})

    def to_default_retry(self) -> Scope:
        """What `defaults.retry.if` reads: it stands for all tasks, so it sees none."""
        return with_names(self._with_tasks({}, None), {"error": _ERROR})

    def with_secrets(self, scope: Scope, kind: str) -> Scope:
        """The same in `with` and `env`, where tasks that run in a worker may read secrets."""
        return with_names(scope, {"secrets": self._secrets}) if kind in WORKER_KINDS else scope

    def of_items(self, task: TaskKeys) -> dict[str, Json]:
        """The names that the `for_each` of a task adds."""
        return {} if task.for_each is None else {task.as_ or "item": self._items.get(id(task), {}), "index": _COUNT}

    def of_iterations(self, task: TaskKeys) -> dict[str, Json]:
        """The names that the `repeat` of a task adds. `previous` is `{}` in the first iteration."""
        if task.repeat is None:
            return {}
        previous = item_shape(task, sure=False, children=self._children, absent="x-optional")
        return {"iteration": _COUNT, "index": _COUNT, "previous": previous}

    def own_outputs(self, task: TaskKeys, *, whole: bool) -> dict[str, Json]:
        """The task's own outputs: in the `until` of a leaf, and in what undoes it (`whole`: all its items together)."""
        shape = output_shape if whole else item_shape
        return {"outputs": shape(task, sure=True, children=self._children, made=self._made.get(id(task)))}

    def _view(self, listed: Listed, name: str, other: str) -> Json | None:
        reliance = listed.graph.reliance
        if other not in listed.tasks:
            return self._from_around(listed, other)
        if not reliance.awaits(name, other):
            return None
        return self._task(
            listed.tasks[other],
            sure=reliance.proves(name, other),
            settled=reliance.settles(name, other),
            failed=reliance.fails(name, other),
        )

    def _at_end(self, listed: Listed, other: str) -> Json | None:
        if other not in listed.tasks:
            return self._from_around(listed, other)
        return self._task(listed.tasks[other], sure=listed.graph.reliance.proves_at_end(other), settled=True)

    def _from_around(self, listed: Listed, other: str) -> Json | None:
        if other in listed.ended:
            return self._task(listed.ended[other], sure=False, settled=True)
        return None if listed.around is None else self._view(*listed.around, other)

    def _with_tasks(self, tasks: Mapping[str, Json], listed: Listed | None) -> Scope:
        near = frozenset[str]() if listed is None else listed.near
        names: dict[str, Json] = {
            "inputs": self._inputs,
            "tasks": {**_closed(tasks), "x-near": near},
            "vars": self._vars,
            "trigger": _TRIGGER,
            "instance": _INSTANCE,
        }
        return _closed(names if listed is None else {**names, **listed.names})

    @cached_property
    def _inputs(self) -> Json:
        return _closed({name: shape_of(schema) for name, schema in self._keys.inputs.items()})

    @cached_property
    def _vars(self) -> Json:
        return _OPEN if self._project is None else shape_of_value(self._project.vars)

    @cached_property
    def _secrets(self) -> Json:
        return _OPEN if self._project is None else _closed(dict.fromkeys(self._project.secrets, _TEXT))

    def _task(self, task: TaskKeys, *, sure: bool, settled: bool, failed: bool = False) -> Json:
        """`tasks.ID`: its outputs are there if it `sure`ly succeeded, its outcome if it has surely `settled`."""
        key = (id(task), sure, settled, failed)  # the keys live as long as this object
        if key not in self._views:
            absent = [name for name, there in (("outcome", settled), ("error", failed)) if not there]
            outputs = output_shape(task, sure=sure, children=self._children, made=self._made.get(id(task)))
            view = _closed({"outputs": outputs, "outcome": _TEXT, "error": _ERROR}, optional=tuple(absent))
            if task.for_each is not None and not sure:
                view["x-maybe"] = ("outputs",)
            self._views[key] = view
        return self._views[key]


def with_names(scope: Scope, names: Mapping[str, Json]) -> Scope:
    """The scope with more names, which hide those it has."""
    return {**scope, "properties": {**scope["properties"], **names}} if names else scope


def with_error(scope: Scope) -> Scope:
    """The scope in `retry.if`."""
    return with_names(scope, {"error": _ERROR})


def with_event(scope: Scope) -> Scope:
    """The scope in `match`."""
    return with_names(scope, {"event": EVENT})
