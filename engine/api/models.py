"""The API's words: what it answers and takes, as pydantic models that OpenAPI is made from."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from engine.app.records import DeliveryState, InstanceState
from engine.app.versions import SyncState

T = TypeVar("T")


def rfc3339(milliseconds: int) -> str:
    """Milliseconds since the epoch as UTC text: `2026-11-22T20:07:13.042Z`."""
    at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


Time = Annotated[
    int, PlainSerializer(rfc3339, return_type=str), WithJsonSchema({"type": "string", "format": "date-time"})
]
JsonMap = dict[str, Any]
ApprovalState = Literal["open", "approved", "rejected", "expired", "cancelled", "failed"]
Choice = Literal["approved", "rejected"]


class Row(BaseModel):
    """Read from the attributes of a stored row."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class Asked(BaseModel):
    """Sent by a caller: an unknown name is an error, not a silent loss."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Page(BaseModel, Generic[T]):
    """One page of a list, newest first. `next` is the `before` of the following page, null at the end; `Link` has its URL."""

    items: list[T]
    next: str | None = None


class PageQuery(Asked):
    before: str | None = Field(None, description="The id of the last one seen.")
    limit: int = Field(50, ge=1, le=500)


class Parent(Row):
    instance: str
    path: str
    attempt: int


class Instance(Row):
    id: str
    workflow: str
    version: str
    digest: str
    commit: str
    state: InstanceState
    inputs: JsonMap
    trigger: JsonMap
    outputs: Any
    error: Any
    started_by: str
    started_at: Time
    finished_at: Time | None
    delivery: str | None
    depth: int = Field(description="How many instances stand above it, each started by the one before.")
    parent: Parent | None = Field(description="The task that it was started for.")


class InstanceQuery(PageQuery):
    workflow: str | None = None
    state: InstanceState | None = None
    parent: str | None = Field(None, description="Only those that tasks of this instance started.")


class WaitQuery(Asked):
    wait: float = Field(0, ge=0, le=60, description="Seconds to wait for the instance to end before answering.")


class Start(Asked):
    inputs: JsonMap = Field(default_factory=dict)
    by: str = Field("api", min_length=1, max_length=200, description="Who starts it; matters to `exclude: [starter]`.")


class Started(BaseModel):
    id: str
    workflow: str


class By(Asked):
    by: str = Field("api", min_length=1, max_length=200)


class Cancel(By):
    reason: str = Field("", max_length=4000)


class Pause(By):
    reason: str = Field("", max_length=4000)


class Retry(By):
    tasks: list[str] = Field(
        default_factory=list, max_length=1000, description="Paths; without any, the unhandled failures."
    )
    version: Literal["same", "newest"] = Field("same", description="Which version of the workflow it goes on with.")


class HistoryEntry(Row):
    seq: int
    scope: str
    event: JsonMap
    accepted: bool
    at: Time


class AfterQuery(Asked):
    after: int = Field(0, ge=0, le=2**53, description="The number of the last one seen.")
    limit: int = Field(500, ge=1, le=1000)


class Artifact(Row):
    """A file that an attempt left. `file` is its path in the folder of the task, `digest` its SHA-256 in hex."""

    id: str
    path: str
    attempt: int
    name: str
    file: str
    executable: bool
    digest: str
    size: int
    at: Time


class ArtifactQuery(PageQuery):
    path: str | None = Field(None, description="Only the files of this task.")


class LogQuery(AfterQuery):
    path: str | None = Field(None, description="Only the lines of this task.")


class Sequence(BaseModel, Generic[T]):
    """Part of an instance's record, oldest first. `next` is the `after` of the following part, null at the end."""

    items: list[T]
    next: int | None = None


class LogLine(Row):
    path: str
    attempt: int
    number: int
    stream: str
    text: str
    at: Time


class Workflow(Row):
    name: Annotated[str, Field(validation_alias="workflow")]
    version: Annotated[str, Field(validation_alias="id")]
    digest: str
    source: str
    commit: str
    path: str
    author_name: str
    author_email: str
    committed_at: Time


class Workflows(BaseModel):
    items: list[Workflow]


class WorkflowDetail(BaseModel):
    active: Workflow
    text: str
    inputs: JsonMap = Field(description="JSON Schema of the inputs.")
    versions: list[Workflow]


class ScheduleQuery(Asked):
    workflow: str | None = None


class Schedule(BaseModel):
    """An entry of `on.schedule`."""

    workflow: str
    cron: str
    timezone: str
    overlap: Literal["skip", "queue", "cancel", "allow"]
    upcoming: list[Time] = Field(description="The next times.")
    pending: bool = Field(description="A time that is over waits for the end of `last_instance`.")
    last_at: Time | None = Field(description="The time that was dealt with last.")
    last_instance: str | None
    error: str | None = Field(description="Why no instance came of `last_at`.")


class Schedules(BaseModel):
    items: list[Schedule]


class SlotGroupQuery(Asked):
    group: str | None = Field(default=None, description="Only this one.")
    after: str = Field(default="", description="The name of the last one seen.")
    limit: int = Field(default=50, ge=1, le=200)


class SlotClaim(Row):
    """A task's attempt, or with an empty `path` an instance, that holds a slot or waits for one."""

    instance: str
    path: str
    attempt: int
    at: Time
    leaving: bool = Field(description="It was told to make room for a newer one.")
    place: int = Field(description="From 1, among the holders or the waiters.")


class SlotGroup(Row):
    """A concurrency group, with the oldest 50 of its holders and waiters."""

    name: str
    limit: int
    held: int
    waiting: int
    holders: list[SlotClaim]
    waiters: list[SlotClaim]


class SlotGroups(BaseModel):
    items: list[SlotGroup]


class PersonDecision(Row):
    person: str
    decision: Choice
    comment: str
    form: JsonMap
    via: str
    at: Time


class Approval(Row):
    """`state` is open, or the outcome it closed with."""

    id: str
    instance: str
    path: str
    attempt: int
    message: str
    approvers: list[str]
    exclude: list[str]
    require: int
    form: JsonMap
    channel: str | None
    state: ApprovalState
    opened_at: Time
    expires_at: Time | None
    closed_at: Time | None
    decisions: list[PersonDecision]


class ApprovalQuery(PageQuery):
    state: ApprovalState | Literal["any"] = Field("open", description="`open`, an outcome, or `any`.")
    instance: str | None = None


class Decide(Asked):
    person: str = Field(min_length=1, max_length=200, description="A name from project.yaml.")
    decision: Choice
    comment: str = ""
    form: JsonMap = Field(default_factory=dict)


class Verdict(Row):
    workflow: str
    instance: str | None
    reason: str


def _text(body: object) -> object:
    return body.decode("utf-8", "replace") if isinstance(body, bytes) else body


class Delivery(Row):
    """A webhook call as it came in. `state` is received, started, ignored or failed."""

    id: str
    source: str
    provider: str
    event: str
    state: DeliveryState
    reason: str
    verdicts: list[Verdict]
    received_at: Time


class DeliveryDetail(Delivery):
    headers: JsonMap
    body: Annotated[str, BeforeValidator(_text)]


class DeliveryQuery(PageQuery):
    source: str | None = None
    state: DeliveryState | None = None


class Sync(Row):
    id: str
    source: str
    commit: str | None
    state: SyncState
    author_name: str
    author_email: str
    message: str
    findings: list[JsonMap]
    error: str
    at: Time
    added: list[str]
    changed: list[str]
    removed: list[str]


class Syncs(BaseModel):
    items: list[Sync]


class SyncQuery(Asked):
    source: str | None = None
    limit: int = Field(50, ge=1, le=500)


class Nothing(Asked):
    """An empty body."""


class Health(BaseModel):
    status: str
    checks: dict[str, str] = Field(default_factory=dict)
