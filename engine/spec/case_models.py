"""The shape of a file that tests a workflow (`*.test.yaml`), key by key."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import ConfigDict, Discriminator, Field, JsonValue, Tag, model_validator
from pydantic_core import PydanticCustomError

from engine.spec.fields import NAME, Bound, Duration, Shape, Values


class MockKeys(Shape):
    """What a task with a side effect is pretended to have done. Without `outcome` and `error` it succeeds."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {
                "anyOf": [
                    {"required": ["error"], "properties": {"error": {"type": "string"}}},
                    {"required": ["kind"], "properties": {"kind": {"type": "string"}}},
                    {"required": ["outcome"], "properties": {"outcome": {"const": "failed"}}},
                ]
            },
            "then": {"properties": {"outputs": {"maxProperties": 0}, "outcome": {"enum": ["failed", None]}}},
            "else": {"properties": {"details": {"maxProperties": 0}}},
        }
    )

    outputs: dict[str, JsonValue] = Field(default_factory=dict)
    """What it gives; checked against the schemas it declares."""
    outcome: str | None = None
    """How it ends, such as `approved`, `expired`, `timed_out`, `failed`; `cancelled` is an operator's doing."""
    error: str | None = None
    """The message of its failure."""
    kind: str | None = None
    """The kind of its failure, which `retry.if` can test; `mock` by default."""
    details: dict[str, JsonValue] = Field(default_factory=dict)
    """The details of its failure."""
    after: Duration = 0
    """How long it takes, in virtual time."""
    body: JsonValue = None
    """Of an `event`: what it brings."""
    comment: str = ""
    """Of an `approval`: what the people say."""
    form: dict[str, JsonValue] = Field(default_factory=dict)
    """Of an `approval`: what they fill in."""

    @property
    def fails(self) -> bool:
        """Whether it is pretended to have failed."""
        return self.error is not None or self.kind is not None or self.outcome == "failed"

    @model_validator(mode="after")
    def _one_end(self) -> MockKeys:
        if self.fails and (self.outputs or self.outcome not in (None, "failed")):
            raise PydanticCustomError("mock", "a mock with an error has no outputs, and no other outcome than failed")
        if self.details and not self.fails:
            raise PydanticCustomError("mock", "`details` belong to an error")
        return self


def _form(value: Any) -> str:
    return "<list>" if isinstance(value, list) else "<map>"


Mock: TypeAlias = Annotated[
    Annotated[MockKeys, Tag("<map>")] | Annotated[list[MockKeys], Field(min_length=1), Tag("<list>")],
    Discriminator(_form),
]
"""One for all attempts, or a list with one for each."""


class TriggerKeys(Shape):
    """What starts the instance, instead of `inputs`: its trigger's condition and inputs are evaluated too."""

    source: str
    """The webhook source, or `event`, `schedule`, `workflow`."""
    event: str = ""
    """The event's name, type, cron expression or outcome; for `schedule` and `workflow` it may be left out."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Headers of the call."""
    body: JsonValue = None
    """What was sent; of `workflow` what it gives is filled in where it is not named."""
    scheduled_at: str | None = None
    """Of `schedule`: the time that has come; the start by default."""


class SentKeys(Shape):
    """An event that comes from outside while the instance runs."""

    type: str
    """Its type."""
    body: JsonValue = None
    """What it brings."""
    after: Duration = 0
    """When, from the start of the instance."""


class CancelKeys(Shape):
    """Somebody cancels the instance."""

    after: Duration
    """When, from its start."""
    reason: str = ""
    """Why."""


class SpanKeys(Shape):
    """How long the instance takes in virtual time."""

    at_least: Duration | None = None
    """Not less."""
    at_most: Duration | None = None
    """Not more."""


class ExpectKeys(Shape):
    """What must come of it. What is not named is not looked at."""

    state: Literal["succeeded", "failed", "cancelled"] | None = None
    """How the instance ends."""
    outcomes: dict[str, str] = Field(default_factory=dict)
    """Path of a task to its outcome."""
    order: list[str] = Field(default_factory=list)
    """Paths in the order in which their tasks end; others may end between them."""
    outputs: Values | None = None
    """The outputs of the instance."""
    inputs: dict[str, JsonValue] = Field(default_factory=dict)
    """Path of a task to what its last attempt was given, as far as it is named: its `with` and its `env`; of a script the `env` alone."""
    messages: list[dict[str, JsonValue]] | None = None
    """The messages sent, in order, each as far as its keys are named."""
    attempts: dict[str, int] = Field(default_factory=dict)
    """Path of a task to the number of its last attempt."""
    skipped: dict[str, str] = Field(default_factory=dict)
    """Path of a task that is skipped to text that says why: its edge, its condition, or `edge`, `condition`, `scope`, `rest`."""
    error: str | None = None
    """Text that stands in the message, or is the kind, of one of the instance's failures."""
    refused: str | None = None
    """Text that says why no instance is started: inputs that do not fit, a check, a trigger's condition."""
    duration: SpanKeys = SpanKeys()
    """How long it takes."""


class CaseKeys(Shape):
    """One run of the workflow and what must come of it."""

    name: Annotated[str, Field(min_length=1)]
    """What the case shows."""
    inputs: Values = Field(default_factory=dict)
    """The instance's inputs; those with defaults may be left out."""
    trigger: TriggerKeys | None = None
    """What starts it; `inputs` come over those that the trigger gives."""
    started_by: str = "test"
    """Who starts it, as `instance.started_by` shows."""
    vars: Values = Field(default_factory=dict)
    """Values instead of those of project.yaml."""
    secrets: dict[str, str] = Field(default_factory=dict)
    """Values of secrets; one that is not named is `secret NAME`."""
    mocks: dict[str, Mock] = Field(default_factory=dict)
    """Path of a task, or a pattern (`*` within a part, `**` across parts), to what it is pretended to have done."""
    events: list[SentKeys] = Field(default_factory=list)
    """Events from outside."""
    cancel: CancelKeys | None = None
    """Somebody cancels the instance."""
    expect: ExpectKeys
    """What must come of it."""
    timeout: Bound = 366 * 24 * 3_600_000
    """Virtual time after which an instance that has not ended fails the case."""


class TestFileKeys(Shape):
    """Tests of one workflow."""

    __test__ = False

    workflow: Annotated[str, Field(pattern=NAME)]
    """The workflow's name."""
    cases: Annotated[list[CaseKeys], Field(min_length=1)]
    """The runs."""
