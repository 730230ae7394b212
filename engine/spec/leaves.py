"""Compiles what tasks are in the end: a kind with its parameters, a script, a decision, or another workflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from engine.core.expressions.model import NOTHING, Expression, Literal, Template
from engine.core.model import Cache, Concurrency, RateLimit, Retry, Task, TaskList
from engine.core.values import Json
from engine.spec.artifacts import read_artifacts
from engine.spec.calls import Calls
from engine.spec.kinds import WITHOUT_DEFAULTS, WORKER_KINDS
from engine.spec.models import DefaultsKeys
from engine.spec.names import Scope
from engine.spec.nodes import Path
from engine.spec.notebook import Notebook
from engine.spec.reliance import inner_kind_of
from engine.spec.task_checks import OTHERWISE
from engine.spec.task_models import CompensateKeys, ConcurrencyKeys, LeafKeys, RetryKeys, TaskConcurrencyKeys, TaskKeys
from engine.spec.templates import Expressions
from engine.spec.typing.parameters import parameters
from engine.spec.visible import Visible, with_error, with_event

_NO_DEFAULTS = DefaultsKeys()
Fields: TypeAlias = Mapping[str, Any]
"""Some fields of a `Task`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What groups, and `defaults` around them, give to all tasks in them."""

    queue: str | None = None
    priority: int | None = None

    def within(self, task: TaskKeys) -> Given:
        """The same inside of a group, whose own keys come first."""
        return Given(
            queue=self.queue if task.queue is None else task.queue,
            priority=self.priority if task.priority is None else task.priority,
        )


class LeafCompiler:
    """Compiles single tasks of one workflow, without what ties them to their list."""

    def __init__(
        self, notebook: Notebook, expressions: Expressions, visible: Visible, defaults: DefaultsKeys, calls: Calls
    ) -> None:
        self._notebook = notebook
        self._expressions = expressions
        self._visible = visible
        self._defaults = defaults
        self._calls = calls
        self._default_retry = Retry()
        if defaults.retry is not None:
            condition = expressions.bare(("defaults", "retry", "if"), visible.to_default_retry())
            self._default_retry = compile_retry(defaults.retry, condition)

    def task(self, keys: TaskKeys, path: Path, scope: Scope, given: Given, more: Fields) -> Task:
        """A task of the file, read in `scope`; `more` has the fields that its place in the list gives it."""
        own = {
            "outputs": dict(keys.outputs) if keys.outputs else None,
            "cases": self._cases(keys, path, scope),
            "workflow": keys.workflow or "",
            "wait": keys.wait,
            "match": self._match(keys, path, scope),
            "concurrency": compile_concurrency(self._expressions, keys.concurrency, (*path, "concurrency"), scope),
            "rate_limit": self._rate_limit(keys, (*path, "rate_limit", "group"), scope),
            "cache": self._cache(keys, (*path, "cache", "key"), scope),
            "artifacts": None if keys.artifacts is None else read_artifacts(keys.artifacts),
            "description": keys.description,
        }
        return self._leaf(keys, path, scope, given, {**own, **more})

    def undo(self, keys: CompensateKeys, path: Path, scope: Scope, given: Given) -> TaskList:
        """What undoes a task: a list of one leaf."""
        return only(self._leaf(keys, path, scope, given, {}))

    def _leaf(self, keys: LeafKeys, path: Path, scope: Scope, given: Given, more: Fields) -> Task:
        """Made once with all its fields, for every task works out what it reads."""
        kind = inner_kind_of(keys)
        inside = self._visible.with_secrets(scope, kind)
        reached = kind not in WITHOUT_DEFAULTS and kind not in ("switch", "workflow")
        defaults = self._defaults if reached else _NO_DEFAULTS
        span = self._notebook.document.key_span(path)
        fields: dict[str, Any] = {
            "id": "",
            "kind": kind,
            "params": self._params(keys, path, inside),
            "env": self._expressions.template((*path, "env"), inside) if keys.env else NOTHING,
            "retry": self._retry(keys.retry, path, with_error(scope), reached=reached),
            "timeout": defaults.timeout if keys.timeout is None else keys.timeout,
            "deadline": defaults.deadline if keys.deadline is None else keys.deadline,
            "line": self._notebook.document.source.position(span.start).line,
        }
        if kind in WORKER_KINDS:
            queue = given.queue if keys.queue is None else keys.queue
            priority = given.priority if keys.priority is None else keys.priority
            fields |= {"priority": priority or 0} | ({"queue": queue} if queue else {})
        return Task(**{**fields, **more})

    def _match(self, keys: TaskKeys, path: Path, scope: Scope) -> Expression | None:
        at: Path = (*path, "with", "match")
        return self._expressions.bare(at, with_event(scope)) if keys.uses == "event" else None

    def _params(self, keys: LeafKeys, path: Path, scope: Scope) -> Template:
        if keys.run is None:
            without = "match" if keys.uses == "event" else ""
            return self._expressions.template((*path, "with"), scope, without=without, expected=self._wanted(keys))
        script = {"script": keys.run, "shell": keys.shell, "working_directory": keys.working_directory}
        return Literal(value={key: value for key, value in script.items() if value is not None})

    def _wanted(self, keys: LeafKeys) -> Json:
        """The schema of `with`: what the workflow that is called, or the kind of task, takes."""
        if isinstance(keys, TaskKeys) and keys.workflow is not None:
            return self._calls.inputs(keys.workflow)
        return parameters(keys.uses or "")

    def _cases(self, keys: TaskKeys, path: Path, scope: Scope) -> tuple[tuple[str, Expression | None], ...]:
        cases = []
        for name, condition in (keys.switch or {}).items():
            otherwise = condition.strip() == OTHERWISE
            cases.append((name, None if otherwise else self._expressions.required((*path, "switch", name), scope)))
        return tuple(cases)

    def _cache(self, keys: TaskKeys, key: Path, scope: Scope) -> Cache | None:
        if keys.cache is None:
            return None
        return Cache(key=self._expressions.template(key, scope), ttl=keys.cache.ttl)

    def _rate_limit(self, keys: TaskKeys, group: Path, scope: Scope) -> RateLimit | None:
        if keys.rate_limit is None:
            return None
        rendered = self._expressions.template(group, scope)
        return RateLimit(group=rendered, limit=keys.rate_limit.limit, per=keys.rate_limit.per)

    def _retry(self, own: RetryKeys | None, path: Path, scope: Scope, *, reached: bool) -> Retry:
        """The task's own retry as a whole, else that of the defaults."""
        if own is not None:
            return compile_retry(own, self._expressions.bare((*path, "retry", "if"), scope))
        return self._default_retry if reached else Retry()


def only(task: Task) -> TaskList:
    """The list of which a leaf under a loop, or one that undoes, is the only task."""
    return TaskList(tasks={"": replace(task, id="")}, followers={"": ()})


def compile_retry(keys: RetryKeys, condition: Expression | None) -> Retry:
    """The keys of `retry` as the core reads them."""
    return Retry(
        max_attempts=keys.max_attempts,
        delay=keys.delay,
        backoff=keys.backoff,
        max_delay=keys.max_delay,
        condition=condition,
    )


def compile_concurrency(
    expressions: Expressions, keys: ConcurrencyKeys | None, path: Path, scope: Scope
) -> Concurrency | None:
    """The keys of `concurrency`, of a task or of the workflow."""
    if keys is None:
        return None
    return Concurrency(
        group=expressions.template((*path, "group"), scope),
        limit=keys.limit,
        when_full=keys.when_full,
        hold_while_waiting=isinstance(keys, TaskConcurrencyKeys) and keys.hold_while_waiting,
    )
