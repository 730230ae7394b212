"""Compiles one list of tasks."""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.core.expressions.model import NOTHING, Expression, Literal, Template
from engine.core.keys import FINALLY
from engine.core.model import Retry, Task, TaskList
from engine.spec.graph import Graph, build_graph
from engine.spec.kinds import LATER_KINDS, OWN_OUTPUTS, PARAMS, WITHOUT_DEFAULTS
from engine.spec.models import DefaultsKeys, RetryKeys, TaskKeys
from engine.spec.names import Scope
from engine.spec.nodes import Path
from engine.spec.notebook import Notebook
from engine.spec.reliance import kind_of
from engine.spec.schema_check import check_schemas
from engine.spec.shape import check_parameters, later
from engine.spec.templates import Expressions
from engine.spec.visible import Visible

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FORMS = ("uses", "run")
_EMPTY = TaskList(tasks={}, followers={})
_KINDS = tuple(kind for kind in PARAMS if kind != "script")


class TaskCompiler:
    """Compiles the tasks of one workflow; what is wrong goes to the notebook."""

    def __init__(self, notebook: Notebook, expressions: Expressions, visible: Visible, defaults: DefaultsKeys) -> None:
        self._notebook = notebook
        self._expressions = expressions
        self._visible = visible
        self._defaults = defaults
        self._default_retry = Retry()
        if defaults.retry is not None:
            condition = expressions.bare(("defaults", "retry", "if"), visible.to_default_retry())
            self._default_retry = compile_retry(defaults.retry, condition)

    def compile(self, tasks: Mapping[str, TaskKeys], path: Path) -> tuple[TaskList, Graph | None]:
        """The list at `path` and its graph; an empty list where its `needs` are wrong."""
        for name, task in tasks.items():
            self._check(task, (*path, name))
        graph = build_graph(self._notebook, tasks, path)
        if graph is None:
            return _EMPTY, None
        compiled = {name: self._task(name, tasks, graph, path) for name in graph.order}
        return TaskList(tasks=compiled, followers=graph.followers), graph

    def _check(self, task: TaskKeys, path: Path) -> None:
        """What can be said about a task without knowing the others."""
        if path == ("tasks", FINALLY):
            message = f'"{FINALLY}" names what runs at the end of the workflow; give the task another id'
            self._notebook.note(path, "bad-id", message, at_key=True)
        given = task.model_fields_set
        forms = [form for form in _FORMS if form in given]
        if len(forms) != 1:
            message = f'task "{path[-1]}" must have exactly one of `uses` and `run`'
            self._notebook.note(path, "task-form", message, at_key=True)
            return
        misplaced = ("with_",) if task.run is not None else ("shell", "working_directory", "env")
        for field in misplaced:
            if field in given:
                key = field.rstrip("_")
                message = f"`{key}` belongs to `{'uses' if key == 'with' else 'run'}`, which this task does not have"
                self._notebook.note((*path, key), "misplaced-key", message, at_key=True)
        if task.run is not None and "${{" in task.run:
            message = "a script is literal: pass the value through `env` and read it as a variable"
            self._notebook.note((*path, "run"), "script-injection", message)
        if task.run is None:
            self._check_kind(task, task.uses or "", path)
        for key, value in (task.env or {}).items():
            at: Path = (*path, "env", key)
            if not _VARIABLE.fullmatch(key):
                self._notebook.note(at, "bad-id", f'"{key}" is no name for a variable', at_key=True)
            if value is None or isinstance(value, list | dict):
                self._notebook.note(at, "bad-value", f'"{key}" must be text, a number, true or false')
        self._check_outputs(task, (*path, "outputs"))

    def _check_outputs(self, task: TaskKeys, path: Path) -> None:
        if task.outputs is not None and (task.uses or "") in OWN_OUTPUTS:
            message = f"`{task.uses}` gives outputs of its own; `outputs` is for `run`, `http` and `python`"
            self._notebook.note(path, "misplaced-key", message, at_key=True)
        if task.outputs:
            check_schemas(self._notebook, task.outputs, path)

    def _check_kind(self, task: TaskKeys, kind: str, path: Path) -> None:
        if kind in LATER_KINDS:
            self._notebook.findings.append(later(self._notebook.document, (*path, "uses"), kind))
        elif kind not in _KINDS:
            message = f'there is no kind of task "{kind}"; the kinds are {", ".join(sorted(_KINDS))}'
            suggestion = self._notebook.suggest(kind, _KINDS)
            self._notebook.note((*path, "uses"), "unknown-kind", message, suggestion=suggestion)
        elif (params := PARAMS[kind]) is not None:
            self._notebook.findings += check_parameters(self._notebook.document, params, (*path, "with"))
            self._check_form(task, (*path, "with", "form"))

    def _check_form(self, task: TaskKeys, path: Path) -> None:
        form = (task.with_ or {}).get("form")
        if task.uses == "approval" and isinstance(form, dict):
            check_schemas(self._notebook, form, path)

    def _task(self, name: str, tasks: Mapping[str, TaskKeys], graph: Graph, listed: Path) -> Task:
        task = tasks[name]
        path: Path = (*listed, name)
        kind = kind_of(task)
        scope = self._visible.to_task(name, graph, at_end=listed == ("finally",))
        inside = self._visible.with_secrets(scope, kind)
        span = self._notebook.document.key_span(path)
        reached = kind not in WITHOUT_DEFAULTS
        return Task(
            id=name,
            kind=kind,
            edges=graph.edges[name],
            join=task.join,
            condition=self._expressions.bare((*path, "if"), scope),
            params=self._params(task, path, inside),
            env=self._expressions.template((*path, "env"), inside) if task.env else NOTHING,
            outputs=dict(task.outputs) if task.outputs else None,
            retry=self._retry(task.retry, path, self._visible.with_error(scope), reached=reached),
            timeout=_either(task.timeout, self._defaults.timeout, reached=reached),
            deadline=_either(task.deadline, self._defaults.deadline, reached=reached),
            description=task.description,
            line=self._notebook.document.source.position(span.start).line,
        )

    def _params(self, task: TaskKeys, path: Path, scope: Scope) -> Template:
        if task.run is None:
            return self._expressions.template((*path, "with"), scope)
        script = {"script": task.run, "shell": task.shell, "working_directory": task.working_directory}
        return Literal(value={key: value for key, value in script.items() if value is not None})

    def _retry(self, own: RetryKeys | None, path: Path, scope: Scope, *, reached: bool) -> Retry:
        """The task's own retry as a whole, else that of the defaults."""
        if own is not None:
            return compile_retry(own, self._expressions.bare((*path, "retry", "if"), scope))
        return self._default_retry if reached else Retry()


def compile_retry(keys: RetryKeys, condition: Expression | None) -> Retry:
    """The keys of `retry` as the core reads them."""
    return Retry(
        max_attempts=keys.max_attempts,
        delay=keys.delay,
        backoff=keys.backoff,
        max_delay=keys.max_delay,
        condition=condition,
    )


def _either(own: int | None, default: int | None, *, reached: bool) -> int | None:
    return own if own is not None or not reached else default
