"""Compiles lists of tasks, and the groups, items and iterations that are lists within lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.core.expressions.model import Template
from engine.core.model import ForEach, Repeat, Task, TaskList
from engine.spec.artifacts import check_artifacts
from engine.spec.calls import Calls
from engine.spec.graph import build_graph
from engine.spec.leaves import Fields, Given, LeafCompiler, only
from engine.spec.listed import Listed
from engine.spec.models import DefaultsKeys
from engine.spec.names import Scope
from engine.spec.nodes import Path, Scalar
from engine.spec.notebook import Notebook
from engine.spec.task_checks import check_task
from engine.spec.task_models import TaskKeys
from engine.spec.templates import Expressions
from engine.spec.typing.shapes import item_at, shape_at
from engine.spec.visible import Visible, with_names

_NO_TASKS: Mapping[str, TaskKeys] = {}


class TaskCompiler:
    """Compiles the tasks of one workflow; what is wrong goes to the notebook."""

    def __init__(
        self, notebook: Notebook, expressions: Expressions, visible: Visible, defaults: DefaultsKeys, calls: Calls
    ) -> None:
        self._notebook = notebook
        self._expressions = expressions
        self._visible = visible
        self._calls = calls
        self._leaves = LeafCompiler(notebook, expressions, visible, defaults, calls)
        self._given = Given(queue=defaults.queue, priority=defaults.priority)

    def compile(
        self, tasks: Mapping[str, TaskKeys], path: Path, *, ended: Mapping[str, TaskKeys] = _NO_TASKS
    ) -> tuple[TaskList, Listed]:
        """The list at `path` and how it hangs together."""
        return self._list(tasks, path, Listed.root(ended), self._given)

    def _list(self, tasks: Mapping[str, TaskKeys], path: Path, place: Listed, given: Given) -> tuple[TaskList, Listed]:
        """The list at `path`; `place` is what it will be, still without tasks."""
        for name, task in tasks.items():
            check_task(self._notebook, task, (*path, name), depth=place.depth)
        graph = build_graph(self._notebook, tasks, path)
        listed = replace(place, tasks=tasks, graph=graph)
        compiled = {name: self._task(listed, name, (*path, name), given) for name in graph.order}
        return TaskList(tasks=compiled, followers=graph.followers), listed

    def _task(self, listed: Listed, name: str, path: Path, given: Given) -> Task:
        """The task with what ties it to its list, around what runs once for each item and iteration."""
        keys = listed.tasks[name]
        scope = self._visible.to_task(listed, name)
        condition = self._expressions.bare((*path, "if"), scope)
        if keys.for_each is not None:
            self._visible.learn_item(keys, item_at(self._notebook.document, (*path, "for_each"), scope))
        check_artifacts(self._notebook, listed, name, path)
        self._calls.check(self._notebook, keys, path)
        tie = {
            "id": name,
            "edges": listed.graph.edges[name],
            "join": keys.join,
            "cancel_rest": keys.cancel_rest,
            "condition": condition,
            "continue_on_error": keys.continue_on_error,
            "description": keys.description,
            "line": self._notebook.document.source.position(self._notebook.document.key_span(path).start).line,
        }
        task = self._looped(listed, name, path, given, tie=tie, scope=scope)
        if keys.tasks is not None and keys.compensate is not None:
            names = self._visible.own_outputs(keys, whole=True)
            undo = with_names(self._visible.to_undo(listed, name), names)
            task = replace(task, compensate=self._leaves.undo(keys.compensate, (*path, "compensate"), undo, given))
        return task

    def _looped(self, listed: Listed, name: str, path: Path, given: Given, *, tie: Fields, scope: Scope) -> Task:
        """The task, with what ties it to its list on the outermost: `for_each` around `repeat` around what runs."""
        keys = listed.tasks[name]
        bounded = {**tie, "deadline": keys.deadline}
        if keys.for_each is None and keys.repeat is None:
            return self._innermost(listed, name, path, given, tie=tie, scope=scope)
        task = self._innermost(listed, name, path, given, tie={}, scope=scope)
        if keys.repeat is not None:
            task = Task(
                kind="repeat",
                repeat=Repeat(
                    max_iterations=keys.repeat.max_iterations,
                    condition=self._expressions.bare(
                        (*path, "repeat", "while"),
                        with_names(scope, self._visible.of_items(keys) | self._visible.of_iterations(keys)),
                    ),
                    delay=keys.repeat.delay,
                ),
                body=task.body if task.kind == "group" else self._once(task, keys, path, scope),
                **(bounded if keys.for_each is None else {"id": ""}),
            )
        if keys.for_each is not None:
            body = task.body if task.kind == "group" else None
            task = Task(kind="for_each", for_each=self._for_each(keys, path, scope), body=body or only(task), **bounded)
        return task

    def _innermost(self, listed: Listed, name: str, path: Path, given: Given, *, tie: Fields, scope: Scope) -> Task:
        """What runs once for each item and iteration; without these it is the task itself."""
        keys = listed.tasks[name]
        names = self._visible.of_items(keys) | self._visible.of_iterations(keys)
        if keys.tasks is not None:
            bounded = {**tie, "deadline": keys.deadline} if tie else {"id": ""}
            return Task(kind="group", body=self._body(listed, name, path, given.within(keys)), **bounded)
        inside = with_names(scope, names)
        if keys.uses == "values":
            self._learn(keys, (*path, "with"), inside)
        more = dict(tie)
        if not tie and keys.deadline is not None:
            more["deadline"] = None  # it bounds all items and iterations together
        if keys.compensate is not None:
            undo = self._visible.to_undo(listed, name) if tie else scope
            undo = with_names(undo, names | self._visible.own_outputs(keys, whole=False))
            more["compensate"] = self._leaves.undo(keys.compensate, (*path, "compensate"), undo, given)
        return self._leaves.task(keys, path, inside, given, more)

    def _body(self, listed: Listed, name: str, path: Path, given: Given) -> TaskList:
        """The list of a group, an item or an iteration."""
        keys = listed.tasks[name]
        names = {**listed.names, **self._visible.of_items(keys), **self._visible.of_iterations(keys)}
        inner, place = self._list(keys.tasks or {}, (*path, "tasks"), listed.within(name, names), given)
        at_end = self._visible.to_outputs(place)
        if keys.outputs:
            self._learn(keys, (*path, "outputs"), at_end)
        return replace(
            inner,
            outputs=self._expressions.template((*path, "outputs"), at_end) if keys.outputs else None,
            until=self._expressions.bare((*path, "repeat", "until"), at_end),
            timeout=keys.timeout,
            fail_fast=keys.fail_fast and keys.for_each is None,
        )

    def _learn(self, keys: TaskKeys, path: Path, scope: Scope) -> None:
        """Tell those that read the task what its templates make."""
        made = shape_at(self._notebook.document, path, scope).get("properties")
        if made is not None:
            self._visible.learn_outputs(keys, made)

    def _once(self, leaf: Task, keys: TaskKeys, path: Path, scope: Scope) -> TaskList:
        """The list of an iteration of a leaf, whose `until` reads its outputs."""
        names = {
            **self._visible.of_items(keys),
            **self._visible.of_iterations(keys),
            **self._visible.own_outputs(keys, whole=False),
        }
        return replace(only(leaf), until=self._expressions.bare((*path, "repeat", "until"), with_names(scope, names)))

    def _for_each(self, keys: TaskKeys, path: Path, scope: Scope) -> ForEach:
        return ForEach(
            items=self._items(path, scope),
            product=isinstance(keys.for_each, dict),
            name=keys.as_ or "item",
            key=self._expressions.bare((*path, "key"), with_names(scope, self._visible.of_items(keys))),
            max_parallel=keys.max_parallel,
            fail_fast=keys.fail_fast,
            enough=keys.enough,
            rest=keys.rest,
        )

    def _items(self, path: Path, scope: Scope) -> Template:
        at: Path = (*path, "for_each")
        if isinstance(self._notebook.document.find(at), Scalar):
            return self._expressions.required(at, scope)
        return self._expressions.template(at, scope)
