"""What a plan says, in the form that `headrace plan --json` prints (`schemas/plan.schema.json`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal, TypeAlias

from engine.core.values import Json, JsonObject
from engine.spec.findings import Finding

Change: TypeAlias = Literal["added", "removed", "changed"]
Starter: TypeAlias = Literal["task", "webhook", "schedule", "event", "workflow", "running"]
BreakKind: TypeAlias = Literal[
    "input-required",
    "input-narrowed",
    "input-removed",
    "output-removed",
    "output-changed",
    "trigger-removed",
    "workflow-removed",
    "source-removed",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChange:
    """One value of a file. `key` as its author would find it (`with.url`); what is not there on one side is null."""

    key: str
    change: Change
    before: Json = None
    after: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskChange:
    """One task. `path`: the ids of the tasks around it and its own, joined by slashes; `kind`: what it is, or was."""

    path: str
    change: Change
    kind: str
    keys: tuple[KeyChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowChange:
    """One workflow. `keys`: what changed outside of its tasks. `running`: instances of versions before, by state."""

    name: str
    change: Change
    path: str
    keys: tuple[KeyChange, ...] = ()
    tasks: tuple[TaskChange, ...] = ()
    running: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectChange:
    """One value of project.yaml, and the workflows that use it."""

    key: str
    change: Change
    before: Json = None
    after: Json = None
    touches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """Somebody whom a change breaks: `where` in the workflow (a task's path, a trigger), and why."""

    kind: Starter
    workflow: str
    path: str
    where: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A change that those outside of the workflow may rely on not being made.

    `strangers`: whoever uses the API or sends a webhook may be affected as well; nobody can say who that is.
    """

    kind: BreakKind
    workflow: str
    subject: str
    message: str
    affected: tuple[Affected, ...] = ()
    strangers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """A schedule's entry and the next times of it, in UTC."""

    cron: str
    timezone: str
    next: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleChange:
    """What becomes of an entry of `on.schedule`: `changed` where it comes at other times."""

    workflow: str
    change: Change
    before: Runs | None = None
    after: Runs | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The difference between `before` and `after`, which are names of what was compared. `notes`: what could not be."""

    before: str
    after: str
    workflows: tuple[WorkflowChange, ...] = ()
    project: tuple[ProjectChange, ...] = ()
    breaking: tuple[Break, ...] = ()
    schedules: tuple[ScheduleChange, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether merging changes nothing."""
        return not (self.workflows or self.project or self.schedules)

    @property
    def errors(self) -> bool:
        """Whether what is to be merged would be refused."""
        return any(finding.severity == "error" for finding in self.findings)

    def to_json(self) -> JsonObject:
        """The form that fits the schema."""
        return {**asdict(self), "findings": [finding.to_json() for finding in self.findings]}
