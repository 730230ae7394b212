"""The shape of a workflow file, key by key: the source of the editor's schema and the first check of every file."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, JsonValue, PlainValidator
from pydantic_core import PydanticCustomError

from engine.core.model import Join
from engine.spec.fields import (
    LATER,
    NAME,
    Bound,
    Condition,
    Duration,
    Id,
    JsonSchema,
    Names,
    Shape,
    Values,
)

Count = Annotated[int, Field(ge=1)]


class RetryKeys(Shape):
    """Try a failed attempt again; attempt k waits `delay * backoff^(k-1)`, at most `max_delay`."""

    max_attempts: Annotated[int, Field(ge=1, le=100)]
    """How many attempts in all."""
    delay: Duration = 1_000
    """The pause before the second attempt."""
    backoff: Annotated[float, Field(ge=1, le=100, strict=False)] = 2.0
    """What each pause is multiplied by to give the next."""
    max_delay: Duration = 300_000
    """The longest pause."""
    if_: Condition | None = Field(default=None, alias="if")
    """CEL over `error` (`kind`, `message`, `details`): try again only where it is true."""


class AtLeast(Shape):
    """A join that runs when some of the edges are satisfied."""

    at_least: Count
    """How many."""


def _join(value: Any) -> Join:
    if value in ("all", "any", "merge"):
        return Join(mode=value)
    if isinstance(value, dict) and list(value) == ["at_least"]:
        n = value["at_least"]
        if isinstance(n, int) and not isinstance(n, bool) and n >= 1:
            return Join(mode="at_least", n=n)
    raise PydanticCustomError("join", "`join` is one of all, any, merge and {at_least: N}")


JoinForm: TypeAlias = Annotated[
    Join, PlainValidator(_join, json_schema_input_type=Literal["all", "any", "merge"] | AtLeast)
]


class DefaultsKeys(Shape):
    """What `run` and `uses` tasks have unless they say otherwise; not approval, wait, event, fail and exit."""

    retry: RetryKeys | None = None
    """Try failed attempts again."""
    timeout: Bound | None = None
    """Bounds one attempt."""
    deadline: Bound | None = None
    """Bounds all attempts and pauses together."""
    queue: Annotated[str | None, LATER] = None
    """Which workers run the tasks."""
    priority: Annotated[int | None, LATER] = None
    """Which of the waiting tasks run first."""


class CompensateKeys(Shape):
    """What undoes the task when its scope fails later."""

    uses: str | None = None
    """The kind of task that undoes it."""
    with_: Values = Field(default_factory=dict, alias="with")
    """Its parameters."""
    run: str | None = None
    """The script that undoes it."""
    env: Values = Field(default_factory=dict)
    """Environment variables of the script."""
    shell: Literal["sh", "bash"] | None = None
    """What reads the script."""
    working_directory: str | None = None
    """Where it runs."""
    retry: RetryKeys | None = None
    """Try failed attempts again."""
    timeout: Bound | None = None
    """Bounds one attempt."""


class RepeatKeys(Shape):
    """Run the task again until it is done."""

    while_: Condition | None = Field(default=None, alias="while")
    """Checked before each iteration."""
    until: Condition | None = None
    """Checked after each iteration."""
    delay: Duration | None = None
    """The pause between iterations."""
    max_iterations: Count
    """Reaching it is a failure."""


class CacheKeys(Shape):
    """Reuse the outputs of an earlier success."""

    key: str
    """What makes two runs the same."""
    ttl: Duration | None = None
    """How long a result is good for."""


class ArtifactKeys(Shape):
    """Files that pass between tasks."""

    in_: JsonValue = Field(default=None, alias="in")
    """Files this task gets."""
    out: JsonValue = None
    """Files this task leaves."""


class ConcurrencyKeys(Shape):
    """How many may run at once."""

    group: str
    """Those with the same text share the limit."""
    limit: Count = 1
    """How many."""
    when_full: Literal["queue", "cancel_running", "reject"] = "queue"
    """What happens to one more."""
    hold_while_waiting: bool = False
    """Keep the slot while waiting."""


class RateLimitKeys(Shape):
    """How often tasks may start."""

    group: str
    """Those with the same text share the limit."""
    limit: Count
    """How many starts."""
    per: Duration
    """In which time."""


class TaskKeys(Shape):
    """One task: exactly one of `uses`, `run`, `switch`, `tasks` and `workflow` says what it is."""

    description: str = ""
    """What the task is for, shown on its page."""
    uses: str | None = None
    """The kind of task."""
    with_: Values | None = Field(default=None, alias="with")
    """The parameters of the kind; `${{ }}` interpolates."""
    run: str | None = None
    """A script. It is literal: pass expressions through `env`."""
    shell: Literal["sh", "bash"] | None = None
    """What reads the script: `bash -eu -o pipefail` (by default) or `sh -eu`."""
    working_directory: str | None = None
    """Where the script runs; by default a fresh folder that is removed afterwards."""
    env: Values | None = None
    """Environment variables of a script; `${{ }}` interpolates."""
    needs: Names = Field(default_factory=list)
    """The tasks this one waits for: `x` for success, `x.LABEL` for another outcome."""
    join: JoinForm = Field(default=Join(), json_schema_extra={"default": "all"})
    """When the edges let it run: all, any, merge, or `{at_least: N}`."""
    if_: Condition | None = Field(default=None, alias="if")
    """CEL, evaluated once when the join is decided; false skips the task."""
    retry: RetryKeys | None = None
    """Try failed attempts again."""
    timeout: Bound | None = None
    """Bounds one attempt."""
    deadline: Bound | None = None
    """Bounds all attempts and pauses together, from when the task is ready."""
    outputs: dict[Id, JsonValue] | None = None
    """On `run` and `uses`: JSON Schemas by name, checked when the task ends."""
    switch: Annotated[dict[Id, Condition] | None, LATER] = None
    """Cases and their conditions: the first true one is the outcome; `otherwise` comes last."""
    tasks: Annotated[TaskMap | None, LATER] = None
    """A group: its own scope with its own tasks."""
    workflow: Annotated[str | None, LATER] = None
    """A child instance of another workflow."""
    wait: Annotated[bool | None, LATER] = None
    """With `workflow`: false starts it and goes on."""
    for_each: Annotated[JsonValue, LATER] = None
    """Run the task once for each item: CEL, a list, or `{product: …}`."""
    as_: Annotated[Id | None, LATER] = Field(default=None, alias="as")
    """With `for_each`: the item's name in expressions."""
    key: Annotated[Condition | None, LATER] = None
    """With `for_each`: CEL that names each item in paths."""
    max_parallel: Annotated[Count | None, LATER] = None
    """With `for_each`: how many items run at once."""
    fail_fast: Annotated[bool | None, LATER] = None
    """An unhandled failure cancels what still runs."""
    enough: Annotated[Count | None, LATER] = None
    """With `for_each`: how many items must succeed."""
    rest: Annotated[Literal["cancel", "run_on"] | None, LATER] = None
    """With `enough`: what happens to the other items."""
    repeat: Annotated[RepeatKeys | None, LATER] = None
    """Run the task again until it is done."""
    cancel_rest: Annotated[bool | None, LATER] = None
    """With `join: any` or `at_least`: cancel the sources that have not ended."""
    continue_on_error: Annotated[bool | None, LATER] = None
    """A failure counts as handled."""
    queue: Annotated[str | None, LATER] = None
    """Which workers run the task."""
    priority: Annotated[int | None, LATER] = None
    """Which of the waiting tasks run first."""
    concurrency: Annotated[ConcurrencyKeys | None, LATER] = None
    """How many tasks of a group run at once."""
    rate_limit: Annotated[RateLimitKeys | None, LATER] = None
    """How often tasks of a group start."""
    cache: Annotated[CacheKeys | None, LATER] = None
    """Reuse the outputs of an earlier success."""
    artifacts: Annotated[ArtifactKeys | None, LATER] = None
    """Files that pass between tasks."""
    compensate: Annotated[CompensateKeys | None, LATER] = None
    """What undoes the task when its scope fails later."""


class ListedTaskKeys(TaskKeys):
    """A task in the list form of `tasks`: each needs the one before it unless it says `needs`."""

    id: Id
    """The task's name."""


def _no_list(value: Any) -> Any:
    """The list form is refused by `engine.spec.shape`, at its place; here it counts as no tasks."""
    return {} if isinstance(value, list) else value


TaskMap: TypeAlias = Annotated[
    dict[Id, TaskKeys],
    BeforeValidator(_no_list, json_schema_input_type=dict[Id, TaskKeys] | list[ListedTaskKeys]),
]

# A task may hold tasks: only now that the map has a name do the models know all about their own key.
TaskKeys.model_rebuild()
ListedTaskKeys.model_rebuild()


class CheckKeys(Shape):
    """A business rule, held before an instance exists."""

    if_: Condition = Field(alias="if")
    """CEL that must be true."""
    message: Annotated[str, Field(min_length=1)]
    """What is wrong when it is false; `${{ }}` interpolates."""


class WebhookKeys(Shape):
    """Start an instance when a webhook is called."""

    source: str
    """A webhook source of project.yaml."""
    events: Names = Field(default_factory=list)
    """Names of events, like `push`; none takes all."""
    if_: Condition | None = Field(default=None, alias="if")
    """CEL over `trigger`: start only where it is true."""
    inputs: Values = Field(default_factory=dict)
    """The instance's inputs; `${{ }}` interpolates."""


class ScheduleKeys(Shape):
    """Start an instance at times."""

    cron: str
    """Minute, hour, day of month, month, day of week."""
    timezone: str | None = None
    """An IANA time zone, like Europe/Paris."""
    overlap: Literal["skip", "allow", "queue"] | None = None
    """What happens while the one before still runs."""
    inputs: Values = Field(default_factory=dict)
    """The instance's inputs."""


class EventKeys(Shape):
    """Start an instance when an event is emitted."""

    type: str
    """The event's type."""
    if_: Condition | None = Field(default=None, alias="if")
    """CEL over `trigger`: start only where it is true."""
    inputs: Values = Field(default_factory=dict)
    """The instance's inputs."""


class AfterWorkflowKeys(Shape):
    """Start an instance when another workflow's instance ends."""

    name: Annotated[str, Field(pattern=NAME)]
    """The other workflow."""
    outcome: Literal["succeeded", "failed", "cancelled", "done"] = "succeeded"
    """How it ended."""
    if_: Condition | None = Field(default=None, alias="if")
    """CEL over `trigger`: start only where it is true."""
    inputs: Values = Field(default_factory=dict)
    """The instance's inputs."""


class OnKeys(Shape):
    """What starts the workflow by itself."""

    webhook: list[WebhookKeys] = Field(default_factory=list)
    """Calls from outside."""
    schedule: Annotated[list[ScheduleKeys], LATER] = Field(default_factory=list)
    """Times."""
    event: Annotated[list[EventKeys], LATER] = Field(default_factory=list)
    """Events emitted by workflows or the API."""
    workflow: Annotated[list[AfterWorkflowKeys], LATER] = Field(default_factory=list)
    """Ends of other workflows."""


class WorkflowKeys(Shape):
    """A workflow: what it takes, what starts it, and its tasks with what each waits for."""

    name: Annotated[str, Field(pattern=NAME)]
    """The workflow's name, unique in the repository: small letters, digits and `-`."""
    description: str = ""
    """What the workflow is for."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Marks to find it by."""
    inputs: dict[Id, JsonSchema] = Field(default_factory=dict)
    """JSON Schemas by name; an input without `default` is required."""
    checks: list[CheckKeys] = Field(default_factory=list)
    """Business rules, held before an instance exists."""
    on: OnKeys = OnKeys()
    """What starts the workflow by itself."""
    concurrency: Annotated[ConcurrencyKeys | None, LATER] = None
    """How many instances of a group run at once."""
    timeout: Bound | None = None
    """Bounds all tasks together."""
    fail_fast: Annotated[bool | None, LATER] = None
    """An unhandled failure cancels what still runs."""
    defaults: DefaultsKeys = DefaultsKeys()
    """What `run` and `uses` tasks have unless they say otherwise."""
    tasks: TaskMap = Field(json_schema_extra={"minProperties": 1})
    """The tasks, by id."""
    outputs: dict[Id, JsonValue] = Field(default_factory=dict)
    """The instance's outputs, set when it succeeds; `${{ }}` interpolates."""
    finally_: TaskMap = Field(default_factory=dict, alias="finally")
    """Tasks that run at the end, however it ends."""
