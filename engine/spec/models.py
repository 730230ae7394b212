"""The shape of a workflow file, key by key: the source of the editor's schema and the first check of every file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from engine.spec.fields import NAME, Bound, Condition, Duration, Id, JsonSchema, Names, Queue, Shape, Values
from engine.spec.task_models import ConcurrencyKeys, Priority, RetryKeys, TaskMap


class DefaultsKeys(Shape):
    """What `run` and `uses` tasks have unless they say otherwise; not approval, wait, event, fail and exit."""

    retry: RetryKeys | None = None
    """Try failed attempts again."""
    timeout: Bound | None = None
    """Bounds one attempt."""
    deadline: Bound | None = None
    """Bounds all attempts and pauses together."""
    queue: Queue | None = None
    """Which workers run the tasks."""
    priority: Priority | None = None
    """Which of the waiting tasks run first: -10 to 10, higher ones before."""


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
    """An IANA time zone, like Europe/Paris; by default that of project.yaml."""
    overlap: Literal["skip", "queue", "cancel", "allow"] = "skip"
    """What happens while the one before still runs: this one is left out, waits, cancels that one, or runs beside it."""
    catch_up: Duration = 0
    """For how long a time that was missed still counts."""
    inputs: Values = Field(default_factory=dict)
    """The instance's inputs; `${{ }}` interpolates."""


class EventKeys(Shape):
    """Start an instance when an event is emitted."""

    type: Annotated[str, Field(min_length=1, max_length=200)]
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
    schedule: list[ScheduleKeys] = Field(default_factory=list)
    """Times."""
    event: list[EventKeys] = Field(default_factory=list)
    """Events emitted by workflows or the API."""
    workflow: list[AfterWorkflowKeys] = Field(default_factory=list)
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
    concurrency: ConcurrencyKeys | None = None
    """How many instances of a group run at once."""
    timeout: Bound | None = None
    """Bounds all tasks together."""
    fail_fast: bool = False
    """An unhandled failure cancels what still runs."""
    defaults: DefaultsKeys = DefaultsKeys()
    """What `run` and `uses` tasks have unless they say otherwise."""
    tasks: TaskMap = Field(json_schema_extra={"minProperties": 1})
    """The tasks, by id."""
    outputs: dict[Id, JsonValue] = Field(default_factory=dict)
    """The instance's outputs, set when it succeeds; `${{ }}` interpolates."""
    finally_: TaskMap = Field(default_factory=dict, alias="finally")
    """Tasks that run at the end, however it ends."""
