"""What `decide` wants done. Imperative. Some leave through the outbox, the others take effect in the same transaction."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal, TypeAlias

from engine.core.keys import lease_key
from engine.core.state import DecisionRun, ScopeFailure
from engine.core.values import Json, JsonObject
from engine.errors import Malformed


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTask:
    """Outbox, to the task queue: run one attempt.

    `params` and `env` are rendered; where an expression reads a secret they hold
    `{"$deferred": {"template": <template JSON>, "names": <the other values it reads>}}`, which the worker finishes.
    `timeout` in milliseconds bounds the attempt. `outputs` are the declared schemas.
    """

    type: ClassVar[str] = "RunTask"
    instance: str
    path: str
    attempt: int
    kind: str
    params: Json
    env: Json = None
    outputs: JsonObject | None = None
    timeout: int | None = None
    workflow: str = ""
    queue: str = "tasks"


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelTask:
    """Outbox: whoever runs this attempt, or takes it up, stop it."""

    type: ClassVar[str] = "CancelTask"
    instance: str
    path: str
    attempt: int
    queue: str = "tasks"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskApprovers:
    """Outbox, to the task queue: tell the people who may decide. Answered by ApproversAsked or AskingFailed."""

    type: ClassVar[str] = "AskApprovers"
    instance: str
    path: str
    attempt: int
    workflow: str = ""
    queue: str = "tasks"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenApproval:
    """Same transaction: a row in `approvals`. `expires_at` in milliseconds since the epoch."""

    type: ClassVar[str] = "OpenApproval"
    path: str
    attempt: int
    message: str
    approvers: list[str]
    """As written: `person`, `group:name`."""
    require: int = 1
    exclude: list[str] = field(default_factory=list)
    form: JsonObject = field(default_factory=dict)
    channel: str | None = None
    expires_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDecision:
    """Same transaction: a row in `approval_decisions`."""

    type: ClassVar[str] = "RecordDecision"
    path: str
    attempt: int
    person: str
    decision: DecisionRun
    via: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseApproval:
    """Same transaction: the approval is settled; its links show the result from now on."""

    type: ClassVar[str] = "CloseApproval"
    path: str
    attempt: int
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenScope:
    """Same transaction: a child scope comes to be and takes ScopeStarted."""

    type: ClassVar[str] = "OpenScope"
    scope: str
    ending: Literal["succeeded", "failed", "cancelled"] | None = None
    failures: list[ScopeFailure] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelScope:
    """Same transaction: a child scope takes CancelRequested."""

    type: ClassVar[str] = "CancelScope"
    scope: str
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleScope:
    """Same transaction: this scope has ended. Its parent takes ScopeSettled; at the root the instance is final."""

    type: ClassVar[str] = "SettleScope"
    outcome: Literal["succeeded", "failed", "cancelled"]
    outputs: Json = None
    failures: list[ScopeFailure] = field(default_factory=list)


Outbound: TypeAlias = RunTask | CancelTask | AskApprovers
Effect: TypeAlias = OpenApproval | RecordDecision | CloseApproval | OpenScope | CancelScope | SettleScope
Command: TypeAlias = Outbound | Effect

OUTBOUND: dict[str, Any] = {kind.type: kind for kind in Outbound.__args__}
_NAMES = {name: tuple(f.name for f in fields(kind)) for name, kind in OUTBOUND.items()}


def to_json(command: Outbound) -> JsonObject:
    """The form in the outbox and on the wire: `type` and the fields."""
    body: JsonObject = {"type": command.type}
    for name in _NAMES[command.type]:
        body[name] = getattr(command, name)
    return body


def from_json(body: JsonObject) -> Outbound:
    """Read a command back. Raises Malformed on an unknown type or fields that do not fit: such a message is parked."""
    arguments = dict(body)
    kind = OUTBOUND.get(str(arguments.pop("type", "")))
    if kind is None:
        raise Malformed(f"unknown command type {body.get('type')!r}")
    try:
        command: Outbound = kind(**arguments)
    except TypeError as error:
        raise Malformed(f"command {body['type']} does not fit: {error}") from None
    return command


def lease_of(body: JsonObject) -> str | None:
    """What is leased while a command, as `to_json` gives it, is carried out; None for one that may be carried out twice.

    Raises Malformed.
    """
    kind = body.get("type")
    if kind not in _LEASED:
        return None
    try:
        return lease_key(body["instance"], body["path"], body["attempt"]) + _LEASED[kind]
    except KeyError as missing:
        raise Malformed(f"command {kind} without {missing}") from None


_LEASED = {RunTask.type: "", AskApprovers.type: "/ask"}


def cancelled_attempt(body: JsonObject) -> str | None:
    """The lease of the attempt that a command, as `to_json` gives it, is to stop; None for other commands."""
    try:
        return lease_key(body["instance"], body["path"], body["attempt"]) if body["type"] == CancelTask.type else None
    except (KeyError, TypeError):  # made by hand: whoever reads the queue refuses it
        return None
