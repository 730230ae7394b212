"""What can be said about a task without knowing the others: what it is, and which keys belong to that."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from engine.core.expressions.inner import TYPES
from engine.core.keys import COMPENSATE, FINALLY
from engine.core.model import Join
from engine.core.outcomes import RESERVED
from engine.core.values import Json
from engine.spec.kinds import KINDS, OWN_OUTPUTS, PARAMS, WITH_FILES, WORKER_KINDS
from engine.spec.nodes import Mapping, Path
from engine.spec.notebook import Notebook
from engine.spec.reliance import inner_kind_of
from engine.spec.schema_check import check_schemas
from engine.spec.shape import check_parameters
from engine.spec.task_models import LeafKeys, ProductKeys, TaskKeys

FORMS = ("uses", "run", "switch", "tasks", "workflow")
OTHERWISE = "otherwise"
MOST_NESTED = 16
"""How deep groups may stand within groups."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAMES = "inputs tasks vars trigger instance secrets error index iteration previous outputs event"
_WORDS = "as break const continue else for function if import let loop package namespace return var void while"
_TAKEN = frozenset((*TYPES, *_NAMES.split(), *_WORDS.split()))
"""Names that mean something in expressions already, and words that CEL keeps for itself."""

_NO_SWITCH = "a decision takes no time and is made once: `{key}` belongs to other tasks"
_LEAVES = "`{key}` belongs to `uses`, `run` and `workflow`, which this task does not have"


def _is_leaf(task: LeafKeys) -> bool:
    return inner_kind_of(task) not in ("group", "switch")


def _has(*names: str) -> Callable[[TaskKeys], bool]:
    return lambda task: any(name in task.model_fields_set for name in names)


def _runs(task: LeafKeys) -> bool:
    return inner_kind_of(task) in WORKER_KINDS


_BELONGS: dict[str, tuple[Callable[[TaskKeys], bool], str]] = {
    "with_": (_has("uses", "workflow"), "`with` belongs to `uses`, which this task does not have"),
    "shell": (_has("run"), "`shell` belongs to `run`, which this task does not have"),
    "working_directory": (_has("run"), "`working_directory` belongs to `run`, which this task does not have"),
    "env": (
        lambda task: inner_kind_of(task) in WITH_FILES,
        "`env` belongs to `run` and to the kind `container`, which this task does not have",
    ),
    "retry": (_is_leaf, "`retry` belongs to single tasks: give it to those inside"),
    "timeout": (lambda task: task.switch is None, _NO_SWITCH),
    "deadline": (lambda task: task.switch is None, _NO_SWITCH),
    "for_each": (lambda task: task.switch is None, _NO_SWITCH),
    "repeat": (lambda task: task.switch is None, _NO_SWITCH),
    "compensate": (lambda task: task.switch is None, "a decision leaves nothing to undo"),
    "outputs": (
        lambda task: task.switch is None and task.workflow is None,
        "`outputs` belongs to other tasks: a decision has none, and a workflow says itself what it gives",
    ),
    "queue": (
        lambda task: task.tasks is not None or _runs(task),
        "`queue` belongs to tasks that a worker runs, and to groups of them",
    ),
    "priority": (
        lambda task: task.tasks is not None or _runs(task),
        "`priority` belongs to tasks that a worker runs, and to groups of them",
    ),
    "wait": (_has("workflow"), "`wait` belongs to `workflow`, which this task does not have"),
    "as_": (_has("for_each"), "`as` belongs to `for_each`, which this task does not have"),
    "key": (_has("for_each"), "`key` belongs to `for_each`, which this task does not have"),
    "max_parallel": (_has("for_each"), "`max_parallel` belongs to `for_each`, which this task does not have"),
    "enough": (_has("for_each"), "`enough` belongs to `for_each`, which this task does not have"),
    "rest": (_has("enough"), "`rest` belongs to `enough`, which this task does not have"),
    "fail_fast": (_has("for_each", "tasks"), "`fail_fast` belongs to `tasks` and `for_each`: one task has no others"),
    "cancel_rest": (
        lambda task: task.join.mode in ("any", "at_least"),
        "`cancel_rest` belongs to `join: any` and `{at_least: N}`; other joins wait for every task",
    ),
    "concurrency": (_is_leaf, _LEAVES),
    "rate_limit": (_is_leaf, _LEAVES),
    "cache": (
        lambda task: (_runs(task) and not (task.artifacts and task.artifacts.out)) or task.workflow is not None,
        "`cache` belongs to tasks that a worker runs and to `workflow`, and to none that leaves files: it keeps outputs alone",
    ),
    "artifacts": (
        lambda task: inner_kind_of(task) in WITH_FILES,
        "`artifacts` belong to `run` and to the kind `container`, which have a folder",
    ),
}
"""Keys that not every task has, which ones do, and what is said of the others."""


def never(form: str, value: Json) -> Iterator[str]:
    """The keys that no task of a form, such as `uses: http`, can have, whatever else it says."""
    others: dict[str, Any] = {"for_each": "[]", "enough": 1, "join": Join(mode="any")}
    task = TaskKeys.model_construct({form, *others}, **{form: value}, **others)
    yield from (field.rstrip("_") for field, (belongs, _) in _BELONGS.items() if not belongs(task))
    if form == "uses" and value in OWN_OUTPUTS:
        yield "outputs"


def check_task(notebook: Notebook, task: TaskKeys, path: Path, *, depth: int) -> None:
    """Note what is wrong with the task at `path`, which is in a list that stands in `depth` groups."""
    _check_id(notebook, path)
    forms = [form for form in FORMS if form in task.model_fields_set]
    if len(forms) != 1:
        message = f'task "{path[-1]}" must have exactly one of `uses`, `run`, `switch`, `tasks` and `workflow`'
        notebook.note(path, "task-form", message, at_key=True)
        return
    if getattr(task, forms[0]) is None:
        notebook.note((*path, forms[0]), "bad-value", f'"{forms[0]}" must not be empty: it says what the task is')
        return
    for field in task.model_fields_set & _BELONGS.keys():
        belongs, message = _BELONGS[field]
        if not belongs(task):
            key = field.rstrip("_")
            notebook.note((*path, key), "misplaced-key", message.replace("{key}", key), at_key=True)
    check_leaf(notebook, task, path)
    _check_loops(notebook, task, path)
    _check_switch(notebook, task, path)
    if task.tasks is not None:
        if not task.tasks and isinstance(notebook.document.find((*path, "tasks")), Mapping):
            notebook.note((*path, "tasks"), "bad-value", "a group needs at least one task", at_key=True)
        if depth >= MOST_NESTED:
            notebook.note((*path, "tasks"), "bad-value", f"groups nest {MOST_NESTED} deep, not deeper", at_key=True)
    elif task.switch is None and task.workflow is None:
        _check_outputs(notebook, task, (*path, "outputs"))
    if task.compensate is not None:
        _check_compensate(notebook, task, (*path, "compensate"))


def check_leaf(notebook: Notebook, task: LeafKeys, path: Path) -> None:
    """Note what is wrong with a kind, its parameters, a script and its variables."""
    if task.run is not None and "${{" in task.run:
        message = "a script is literal: pass the value through `env` and read it as a variable"
        notebook.note((*path, "run"), "script-injection", message)
    if task.uses is not None:
        _check_kind(notebook, task, task.uses, path)
    for key, value in (task.env or {}).items():
        at: Path = (*path, "env", key)
        if not _VARIABLE.fullmatch(key):
            notebook.note(at, "bad-id", f'"{key}" is no name for a variable', at_key=True)
        if value is None or isinstance(value, list | dict):
            notebook.note(at, "bad-value", f'"{key}" must be text, a number, true or false')


def _check_id(notebook: Notebook, path: Path) -> None:
    if path == ("tasks", FINALLY):
        message = f'"{FINALLY}" names what runs at the end of the workflow; give the task another id'
        notebook.note(path, "reserved-name", message, at_key=True)
    if path[-1] == COMPENSATE:
        message = f'"{COMPENSATE}" names what undoes a task; give the task another id'
        notebook.note(path, "reserved-name", message, at_key=True)


def _check_kind(notebook: Notebook, task: LeafKeys, kind: str, path: Path) -> None:
    if kind not in KINDS:
        message = f'there is no kind of task "{kind}"; the kinds are {", ".join(sorted(KINDS))}'
        suggestion = notebook.suggest(kind, KINDS)
        notebook.note((*path, "uses"), "unknown-kind", message, suggestion=suggestion)
    elif (params := PARAMS[kind]) is not None:
        notebook.findings += check_parameters(notebook.document, params, (*path, "with"))
        form = (task.with_ or {}).get("form")
        if kind == "approval" and isinstance(form, dict):
            check_schemas(notebook, form, (*path, "with", "form"))


def _check_outputs(notebook: Notebook, task: TaskKeys, path: Path) -> None:
    if task.outputs is not None and (task.uses or "") in OWN_OUTPUTS:
        message = f"`{task.uses}` gives outputs of its own; `outputs` is for `run`, `http`, `python` and `container`"
        notebook.note(path, "misplaced-key", message, at_key=True)
    if task.outputs:
        check_schemas(notebook, task.outputs, path)


def _check_loops(notebook: Notebook, task: TaskKeys, path: Path) -> None:
    if isinstance(task.for_each, dict):
        notebook.findings += check_parameters(notebook.document, ProductKeys, (*path, "for_each"))
    if task.as_ in _TAKEN:
        message = f'"{task.as_}" means something else in expressions; give the item another name'
        notebook.note((*path, "as"), "reserved-name", message)


def _check_switch(notebook: Notebook, task: TaskKeys, path: Path) -> None:
    cases = list((task.switch or {}).items())
    for index, (name, condition) in enumerate(cases):
        at: Path = (*path, "switch", name)
        if name in RESERVED:
            message = f'"{name}" is an outcome already; give the case another name'
            notebook.note(at, "reserved-name", message, at_key=True)
        if condition.strip() == OTHERWISE and index < len(cases) - 1:
            message = f"`{OTHERWISE}` is what is left when no other case is true: it comes last, and once"
            notebook.note(at, "bad-value", message)


def _check_compensate(notebook: Notebook, task: TaskKeys, path: Path) -> None:
    undo = task.compensate
    if undo is None:
        return
    if (undo.uses is None) == (undo.run is None):
        message = "what undoes a task must have exactly one of `uses` and `run`"
        notebook.note(path, "task-form", message, at_key=True)
        return
    if undo.uses == "exit":
        message = "`exit` cannot undo anything: what is undone has ended already"
        notebook.note((*path, "uses"), "bad-value", message)
    misplaced = ("with",) if undo.run is not None else ("shell", "working_directory")
    if inner_kind_of(undo) not in WITH_FILES:
        misplaced = (*misplaced, "env")
    for key in misplaced:
        if notebook.document.find((*path, key)) is not None:
            owner = "uses" if key == "with" else "run"
            message = f"`{key}` belongs to `{owner}`, which this does not have"
            notebook.note((*path, key), "misplaced-key", message, at_key=True)
    check_leaf(notebook, undo, path)
