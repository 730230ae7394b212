"""Follows a workflow through its lists: which tasks can never run, and what its expressions can only give."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from engine.core.expressions.errors import EvaluationError
from engine.core.expressions.evaluate import condition as holds
from engine.core.expressions.model import Expression, Template
from engine.core.expressions.reads import expressions
from engine.core.model import Definition, Task, TaskList
from engine.core.outcomes import CANCELLED, FAILED, SKIPPED, SUCCEEDED
from engine.core.values import Json
from engine.lint.constant import Left, Names, constants
from engine.lint.endings import APPROVED, Endings, Outcomes, outcomes
from engine.spec.nodes import Path

Known: TypeAlias = Callable[[Names], tuple[Json, ...] | None]
"""The values that a path can have, None where it can have any."""

_Around: TypeAlias = ChainMap[str, Outcomes]
"""The outcomes that are left to tasks, those of the innermost list first."""

_OUTCOME = 3
"""The length of the path `tasks.ID.outcome`."""
_LAST = (FAILED, SKIPPED, CANCELLED)
"""The outcomes that are listed after a task's own."""
_AT_END: dict[Names, tuple[Json, ...]] = {("instance", "state"): (SUCCEEDED, FAILED, CANCELLED)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A part of an expression that is always `value`, and why: the values that each path has which it reads."""

    expression: Expression
    node: Json
    value: bool
    left: Left


class Flow:
    """What comes of following one definition."""

    def __init__(self, definition: Definition) -> None:
        self.constants: list[Constant] = []
        self.never: list[tuple[Path, str]] = []
        """Tasks that can never run, each with the reason; those that only wait for one of these are left out."""
        self.unapproved: set[Path] = set()
        """Tasks that can run before anybody has approved."""
        self._values = _enumerated(definition.inputs)
        checked = self._known(ChainMap())
        triggers = (definition.webhooks, definition.events, definition.workflows)
        for condition in (trigger.condition for kind in triggers for trigger in kind):
            self._decide(condition, checked)
        for check in definition.checks:
            self._decide(check.condition, checked)
            self._look(check.message, checked)
        main = {name: outcomes(task) for name, task in definition.tasks.tasks.items()}
        self._follow(definition.tasks, ("tasks",), ChainMap())
        self._look(definition.outputs, self._known(ChainMap(main)))
        self._values |= _AT_END
        self._follow(definition.finally_, ("finally",), ChainMap(main))

    def _follow(self, tasks: TaskList, path: Path, around: _Around) -> None:
        endings = Endings(tasks)
        every = {name: outcomes(task) for name, task in tasks.tasks.items()}
        for name, task in tasks.tasks.items():
            ends = endings.learn(name)
            if ends is None:
                continue
            known = ChainMap(dict(ends), every, *around.maps)
            names = self._known(known)
            if APPROVED not in known:
                self.unapproved.add((*path, name))
            if self._decide(task.condition, names) is False:
                endings.call_off(name)
                continue
            self._inside(task, names)
            self._enter(task, (*path, name, "tasks"), known)
        self.never += [((*path, name), reason) for name, reason in endings.never.items()]

    def _enter(self, task: Task, path: Path, around: _Around) -> None:
        body = task.body
        if body is None:
            return
        inner = {name: outcomes(each) for name, each in body.tasks.items() if name}
        at_end = self._known(around.new_child(inner))
        self._look(body.outputs, at_end)
        self._decide(body.until, at_end)
        if "" not in body.tasks:
            self._follow(body, path, around)
            return
        self._inside(body.tasks[""], self._known(around))
        self._enter(body.tasks[""], path, around)

    def _inside(self, task: Task, known: Known) -> None:
        """What is evaluated for the task itself, its own condition and its body aside."""
        for template in _values_of(task):
            self._look(template, known)
        for condition in (task.retry.condition, *(condition for _, condition in task.cases[:-1])):
            self._decide(condition, known)
        for _, condition in task.cases[-1:]:
            self._look(condition, known)  # the last one may be `true`: it is another word for `otherwise`

    def _decide(self, condition: Expression | None, known: Known) -> bool | None:
        """The same of a condition, which decides nothing if it reads nothing."""
        if condition is None or condition.refs:
            return self._look(condition, known)
        try:
            value = holds(condition, {})
        except EvaluationError:
            return None
        self.constants.append(Constant(expression=condition, node=condition.ast, value=value, left={}))
        return value

    def _look(self, template: Template | None, known: Known) -> bool | None:
        """Note its constant parts; the value that it always has, if it has one."""
        whole = None
        for expression in () if template is None else expressions(template):
            left = {ref: values for ref in expression.refs if (values := known(ref)) is not None}
            for node, value in constants(expression.ast, left) if left else ():
                self.constants.append(Constant(expression=expression, node=node, value=value, left=left))
                whole = value if node is expression.ast else whole
        return whole

    def _known(self, ends: _Around) -> Known:
        values = self._values

        def known(path: Names) -> tuple[Json, ...] | None:
            if path[0] == "tasks":
                fits = len(path) == _OUTCOME and path[2] == "outcome" and path[1] in ends
                return tuple(sorted(ends[path[1]], key=_rank)) if fits else None
            return values.get(path)

        return known


def _rank(outcome: str) -> tuple[int, str]:
    return _LAST.index(outcome) + 1 if outcome in _LAST else 0, outcome


def _enumerated(schema: Json) -> dict[Names, tuple[Json, ...]]:
    """The inputs that are one of a few texts, or true or false."""
    found: dict[Names, tuple[Json, ...]] = {}
    for name, given in schema.get("properties", {}).items():
        values = given.get("enum") if isinstance(given, dict) else None
        if isinstance(given, dict) and given.get("type") == "boolean" and values is None:
            values = [False, True]
        if isinstance(values, list) and values and all(isinstance(value, str | bool) for value in values):
            found["inputs", name] = tuple(values)
    return found


def _values_of(task: Task) -> Iterator[Template | None]:
    yield from (task.params, task.env)
    if task.for_each is not None:
        yield from (task.for_each.items, task.for_each.key)
    yield task.repeat.condition if task.repeat is not None else None
    yield from (each.group for each in (task.concurrency, task.rate_limit) if each is not None)
    yield task.cache.key if task.cache is not None else None
