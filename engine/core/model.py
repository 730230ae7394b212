"""A compiled workflow: what `decide` reads. Frozen, free of positions except for messages, stored as JSON by digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal as OneOf

from engine.core.expressions.model import NOTHING, Expression, Template
from engine.core.expressions.reads import refs
from engine.core.values import JsonObject

JoinMode = OneOf["all", "any", "at_least", "merge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One entry of `needs`: listens for one outcome of a task of the same list. `outcome` is a label or `done`."""

    source: str
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """When the edges of a task let it run (LANGUAGE, "Edges, outcomes, joins"); `n` is for `at_least`."""

    mode: JoinMode = "all"
    n: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often a failed attempt is tried again. Delays in milliseconds; attempt k waits delay * backoff^(k-1), at most `max_delay`."""

    max_attempts: int = 1
    delay: int = 1_000
    backoff: float = 2.0
    max_delay: int = 300_000
    condition: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task of a list. Durations in milliseconds, None meaning no bound.

    `kind` is the name after `uses`, or `script` for `run`. `params` is the template of `with`; for a script it has
    `script`, and `shell` and `working_directory` where given. `outputs` maps declared names to JSON Schemas.
    """

    id: str
    kind: str
    edges: tuple[Edge, ...] = ()
    join: Join = field(default_factory=Join)
    condition: Expression | None = None
    params: Template = NOTHING
    env: Template = NOTHING
    outputs: JsonObject | None = None
    retry: Retry = field(default_factory=Retry)
    timeout: int | None = None
    deadline: int | None = None
    queue: str = "tasks"
    description: str = ""
    line: int = 0
    reads: tuple[tuple[str, ...], ...] = field(init=False, repr=False, compare=False)
    """Every path its expressions read, worked out once: each start of the task needs them."""

    def __post_init__(self) -> None:
        templates = (self.condition, self.params, self.env, self.retry.condition)
        found = (ref for template in templates if template is not None for ref in sorted(refs(template)))
        object.__setattr__(self, "reads", tuple(dict.fromkeys(found)))


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskList:
    """A DAG of tasks, in an order in which every task stands after those it needs."""

    tasks: Mapping[str, Task]
    followers: Mapping[str, tuple[str, ...]]
    """For each task the tasks with an edge from it, in file order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A business rule held before an instance exists."""

    condition: Expression
    message: Template


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookTrigger:
    """One entry of `on.webhook`: an empty `events` takes every event of the source."""

    source: str
    events: tuple[str, ...] = ()
    condition: Expression | None = None
    inputs: Template = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One version of one workflow, with the project's `vars` of the same commit pinned to it.

    `inputs` is one JSON Schema of type object over all inputs, `additionalProperties: false`.
    """

    name: str
    tasks: TaskList
    finally_: TaskList
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    inputs: JsonObject = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    webhooks: tuple[WebhookTrigger, ...] = ()
    timeout: int | None = None
    outputs: Template = NOTHING
    vars: JsonObject = field(default_factory=dict)

    def task_list(self, scope: str) -> TaskList:
        """The tasks that run in the scope at this path: the root list, or `finally`."""
        return self.finally_ if scope.startswith("finally") else self.tasks
