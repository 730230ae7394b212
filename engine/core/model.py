"""A compiled workflow: what `decide` reads. Frozen, free of positions except for messages, stored as JSON by digest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal as OneOf

from engine.core.expressions.model import NOTHING, Expression, Template
from engine.core.expressions.reads import refs
from engine.core.keys import FINALLY, ROOT, shape_of
from engine.core.values import JsonObject

JoinMode = OneOf["all", "any", "at_least", "merge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One entry of `needs`: listens for one outcome of a task of the same list. `outcome` is a label or `done`.

    `lenient`: a plain edge to a task with `continue_on_error`, which its failure satisfies too.
    """

    source: str
    outcome: str
    lenient: bool = False


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
class ForEach:
    """The items of a task of kind `for_each`; its `body` runs once in a scope for each.

    `items` gives a list or a map, or with `product` a map of `product`, `include` and `exclude`. `collect` says that some
    expression reads the outputs of the items: without readers they are not gathered.
    """

    items: Template
    product: bool = False
    name: str = "item"
    """What `as` calls the item in expressions."""
    key: Expression | None = None
    max_parallel: int | None = None
    fail_fast: bool = False
    enough: int | None = None
    rest: OneOf["cancel", "run_on"] = "cancel"
    collect: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """The iterations of a task of kind `repeat`; its `body` runs once in a scope for each. `delay` in milliseconds.

    `until` belongs to the body (`TaskList.until`), in whose scope it is evaluated.
    """

    max_iterations: int
    condition: Expression | None = None
    """`while`."""
    delay: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Concurrency:
    """How many of a group, named by what `group` renders to, hold a slot at once."""

    group: Template
    limit: int = 1
    when_full: OneOf["queue", "cancel_running", "reject"] = "queue"
    hold_while_waiting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """How many tasks of a group start within `per` milliseconds."""

    group: Template
    limit: int
    per: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """Take the outputs of an earlier success of this task under the same `key`, at most `ttl` milliseconds old."""

    key: Template
    ttl: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactIn:
    """Files that a task gets: those that `task` left under `name` (all of them if it is empty), put at `to`."""

    task: str
    name: str
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifacts:
    """Files between tasks. `out` maps a name to the path or glob, in the task's working directory, of what it leaves."""

    in_: tuple[ArtifactIn, ...] = ()
    out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task of a list. Durations in milliseconds, None meaning no bound.

    `kind` is the name after `uses`, `script` for `run`, or `switch`, `group`, `for_each`, `repeat`, `workflow`. `params` is
    the template of `with`; for a script it has `script`, and `shell` and `working_directory` where given. `outputs` maps
    declared names to JSON Schemas. Kinds `group`, `for_each` and `repeat` have a `body`; a leaf under `for_each` or
    `repeat` is the only task of its body, with the id "" (`engine.core.keys`). With both, the body of the `for_each` has
    one task "" of kind `repeat`.
    """

    id: str
    kind: str
    edges: tuple[Edge, ...] = ()
    join: Join = Join()
    cancel_rest: bool = False
    condition: Expression | None = None
    params: Template = NOTHING
    env: Template = NOTHING
    outputs: JsonObject | None = None
    retry: Retry = Retry()
    timeout: int | None = None
    deadline: int | None = None
    continue_on_error: bool = False
    cases: tuple[tuple[str, Expression | None], ...] = ()
    """Of a `switch`: name and condition in order; `otherwise` has none."""
    body: TaskList | None = None
    for_each: ForEach | None = None
    repeat: Repeat | None = None
    workflow: str = ""
    """Of a `workflow`: the name of the other one."""
    wait: bool = True
    """Of a `workflow`: whether its end is waited for."""
    match: Expression | None = None
    """Of an `event`: which events it takes. Evaluated for each event, with `event` besides the names of the task."""
    compensate: TaskList | None = None
    """What undoes the task: a list with one leaf, whose id is ""."""
    concurrency: Concurrency | None = None
    rate_limit: RateLimit | None = None
    cache: Cache | None = None
    artifacts: Artifacts | None = None
    queue: str = "tasks"
    priority: int = 0
    description: str = ""
    line: int = 0
    reads: tuple[tuple[str, ...], ...] = field(init=False, repr=False, compare=False)
    """Every path its expressions read, those of its body among them, worked out once: each start of the task needs them."""
    undoable: bool = field(init=False, repr=False, compare=False)
    """Whether something has to be done to undo it."""
    keeps: bool = field(init=False, repr=False, compare=False)
    """Whether its outputs, or those of a task in it, are kept for later runs."""

    def __post_init__(self) -> None:
        found = dict.fromkeys(ref for template in self._templates() for ref in sorted(refs(template)))
        if self.match is not None:
            found |= dict.fromkeys(ref for ref in sorted(refs(self.match)) if ref[0] != "event")
        if self.artifacts is not None:
            found |= dict.fromkeys(("tasks", source.task) for source in self.artifacts.in_)
        inner = (ref for task in (self.body.tasks.values() if self.body else ()) for ref in task.reads)
        object.__setattr__(self, "reads", tuple(dict.fromkeys((*found, *inner))))
        below = self.body.tasks.values() if self.body else ()
        undoable = self.compensate is not None or any(task.undoable for task in below)
        object.__setattr__(self, "undoable", undoable)
        object.__setattr__(self, "keeps", self.cache is not None or any(task.keeps for task in below))

    def _templates(self) -> Iterator[Template]:
        """Everything that is rendered or evaluated for this task itself."""
        found: list[Template | None] = [self.condition, self.params, self.env, self.retry.condition]
        found += [condition for _, condition in self.cases]
        if self.for_each is not None:
            found += [self.for_each.items, self.for_each.key]
        if self.repeat is not None:
            found.append(self.repeat.condition)
        if self.body is not None:
            found += [self.body.outputs, self.body.until]
        found += [owner.group for owner in (self.concurrency, self.rate_limit) if owner is not None]
        if self.cache is not None:
            found.append(self.cache.key)
        yield from (template for template in found if template is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskList:
    """A DAG of tasks, in an order in which every task stands after those it needs, and what holds for a run of it."""

    tasks: Mapping[str, Task]
    followers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """For each task the tasks with an edge from it, in file order."""
    outputs: Template | None = None
    """What a group gives when it succeeds; None: nothing, or what its only task "" gives."""
    until: Expression | None = None
    """Of the body of a `repeat`: true ends it."""
    timeout: int | None = None
    """Bounds one run of the list. That of the root is the definition's."""
    fail_fast: bool = False


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
class ScheduleTrigger:
    """One entry of `on.schedule`. `timezone` is an IANA name; `catch_up` the milliseconds for which a missed time still counts."""

    cron: str
    timezone: str = "UTC"
    overlap: OneOf["skip", "queue", "cancel", "allow"] = "skip"
    catch_up: int = 0
    inputs: Template = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTrigger:
    """One entry of `on.event`."""

    type: str
    condition: Expression | None = None
    inputs: Template = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowTrigger:
    """One entry of `on.workflow`: how an instance of the workflow `name` ended; `done` takes any end."""

    name: str
    outcome: OneOf["succeeded", "failed", "cancelled", "done"] = "succeeded"
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
    schedules: tuple[ScheduleTrigger, ...] = ()
    events: tuple[EventTrigger, ...] = ()
    workflows: tuple[WorkflowTrigger, ...] = ()
    concurrency: Concurrency | None = None
    timeout: int | None = None
    outputs: Template = NOTHING
    vars: JsonObject = field(default_factory=dict)
    lists: Mapping[str, TaskList] = field(init=False, repr=False, compare=False)
    """Every list by the shape of its scopes' paths."""

    def __post_init__(self) -> None:
        lists = {ROOT: self.tasks, FINALLY: self.finally_}
        lists.update(_below(ROOT, self.tasks))
        lists.update(_below(FINALLY, self.finally_))
        object.__setattr__(self, "lists", lists)

    def task_list(self, scope: str) -> TaskList:
        """The tasks that run in the scope at this path. Raises KeyError for a path that this definition does not have."""
        return self.lists[shape_of(scope)]


def _below(shape: str, tasks: TaskList) -> Iterator[tuple[str, TaskList]]:
    """The lists within a list, by shape."""
    for name, task in tasks.tasks.items():
        path = f"{shape}/{name}" if shape and name else shape or name
        if task.body is not None:
            inner = path + SIGNS[task.kind]
            yield inner, task.body
            yield from _below(inner, task.body)
        if task.compensate is not None:
            yield f"{path}/compensate", task.compensate


SIGNS = {"group": "", "for_each": "[]", "repeat": "#"}
"""What stands behind the path of a task in the shape of the scopes of its body."""
