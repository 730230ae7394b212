"""What each kind of task takes in `with`: one reading for the editor's schema, the linter and the kinds themselves."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, JsonValue, PlainValidator, model_validator
from pydantic_core import PydanticCustomError

from engine.core.durations import instant
from engine.spec.fields import Bound, Condition, Duration, Id, JsonSchema, Shape, Values, at_most_one, exactly_one

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
Status = Annotated[int, Field(ge=100, le=599)]


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def _one_or_more(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _written(value: Any) -> Any:
    if isinstance(value, list) and not any(isinstance(each, list) for each in value):
        return [_written(each) for each in value]
    if isinstance(value, str | int | float):  # a boolean is an int
        return value
    raise PydanticCustomError("written", "must be text, a number, true, false, or a list of those")


_Word: TypeAlias = str | int | float | bool
Written: TypeAlias = Annotated[Any, PlainValidator(_written, json_schema_input_type=_Word | list[_Word])]
Fields: TypeAlias = dict[str, Written]
"""A map whose values become text where they are sent; a list gives its name several times."""


SomeNames: TypeAlias = str | Annotated[list[str], Field(min_length=1)]


class HttpParams(Shape):
    """Call an HTTP server. Its outputs are `status`, `headers` and `body`; a status outside 2xx fails the task."""

    model_config = ConfigDict(json_schema_extra=at_most_one("json", "form", "body"))

    method: Annotated[Method, BeforeValidator(_upper, json_schema_input_type=Method)] = "GET"
    """The request's method."""
    url: Annotated[str, Field(min_length=1, max_length=8192)]
    """Where to: an absolute http or https URL."""
    headers: Fields = Field(default_factory=dict)
    """Headers to send. `Idempotency-Key` is set unless given."""
    query: Fields = Field(default_factory=dict)
    """Parameters added to the URL's query."""
    json_: JsonValue = Field(default=None, alias="json")
    """A body sent as JSON."""
    form: Fields | None = None
    """A body sent as a form."""
    body: str | None = None
    """A body sent as it is."""
    allow_status: list[Status] = Field(default_factory=list)
    """Status codes besides 2xx that do not fail the task."""

    @model_validator(mode="after")
    def _one_body(self) -> HttpParams:
        if len({"json_", "form", "body"} & self.model_fields_set) > 1:
            raise PydanticCustomError("one_body", "give one of `json`, `form` and `body`, not several")
        return self


class PythonParams(Shape):
    """Call a function that is installed beside the worker. What it returns, a map, is the outputs."""

    call: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")]
    """The function, as `package.module:function`."""
    args: Values = Field(default_factory=dict)
    """Its keyword arguments."""


class ScriptParams(Shape):
    """Run a script in a child process of the worker (`run`)."""

    script: str
    """The text of `run`, taken literally."""
    shell: Literal["bash", "sh"] = "bash"
    """What reads it: `bash -eu -o pipefail` or `sh -eu`."""
    working_directory: str | None = None
    """Where it runs; by default a fresh folder that is removed afterwards."""


def _time(value: str) -> str:
    try:
        instant(value)
    except ValueError as error:
        raise PydanticCustomError("time", "{reason}", {"reason": str(error)}) from None
    return value


class WaitParams(Shape):
    """Wait without holding a worker."""

    model_config = ConfigDict(json_schema_extra=exactly_one("for", "until"))

    for_: Duration | None = Field(default=None, alias="for")
    """How long."""
    until: Annotated[str, AfterValidator(_time)] | None = None
    """A time in RFC 3339; in the past it does not wait."""

    @model_validator(mode="after")
    def _one_end(self) -> WaitParams:
        if (self.for_ is None) == (self.until is None):
            raise PydanticCustomError("one_end", "`wait` takes exactly one of `for` and `until`")
        return self


class ApprovalParams(Shape):
    """Ask people. The outcome is `approved`, `rejected` or `expired`; the outputs are the form's, `comment` and `decided_by`."""

    message: Annotated[str, Field(min_length=1)]
    """What is asked."""
    approvers: Annotated[
        list[str], Field(min_length=1), BeforeValidator(_one_or_more, json_schema_input_type=SomeNames)
    ]
    """Who may decide: people and `group:NAME` of project.yaml."""
    require: Annotated[int, Field(ge=1)] = 1
    """How many must approve; one rejection rejects."""
    exclude: list[str] = Field(default_factory=list)
    """Who may not decide all the same: `author` (of the commit), `starter` (of the instance), people."""
    form: dict[Id, JsonSchema] = Field(default_factory=dict)
    """Fields to fill in when approving: JSON Schemas by name."""
    expires: Bound | None = None
    """When nobody decided by then, the outcome is `expired`."""
    channel: str | None = None
    """The channel of project.yaml that is told as well."""


class MessageParams(Shape):
    """Write to people, through a channel or to each of them."""

    model_config = ConfigDict(json_schema_extra=exactly_one("channel", "to"))

    channel: str | None = None
    """A channel of project.yaml."""
    to: Annotated[list[str], BeforeValidator(_one_or_more, json_schema_input_type=str | list[str])] = Field(
        default_factory=list
    )
    """People, `group:NAME` or e-mail addresses."""
    subject: str | None = None
    """The subject of an e-mail."""
    text: Annotated[str, Field(min_length=1)]
    """What to say."""

    @model_validator(mode="after")
    def _somewhere(self) -> MessageParams:
        if (self.channel is None) == (not self.to):
            raise PydanticCustomError("one_receiver", "`message` takes exactly one of `channel` and `to`")
        return self


def _command(value: Any) -> Any:
    if isinstance(value, str) or (isinstance(value, list) and all(isinstance(word, str) for word in value)):
        return value
    raise PydanticCustomError("command", "a command is text, or a list of texts")


Command: TypeAlias = Annotated[str | list[str], PlainValidator(_command, json_schema_input_type=str | list[str])]


class ContainerParams(Shape):
    """Run a container on the worker's machine."""

    image: Annotated[str, Field(min_length=1)]
    """The image, with its tag or digest."""
    command: Command | None = None
    """What runs in it: a list of words, or a text that a shell reads."""
    args: list[str] = Field(default_factory=list)
    """Words added to the command."""
    entrypoint: str | None = None
    """Replaces the image's entrypoint."""
    working_directory: str | None = None
    """Where in the container it runs."""
    pull: Literal["always", "missing", "never"] = "missing"
    """When the image is fetched."""
    network: str | None = None
    """The network it joins."""
    user: str | None = None
    """Who runs it."""


class EventParams(Shape):
    """Wait for an event. The outcome is `received` or `timed_out`; the outputs are the event's parts."""

    type: Annotated[str, Field(min_length=1)]
    """The event's type."""
    match: Condition | None = None
    """CEL over `event` and what the task may read: take only events for which it is true."""
    timeout: Bound | None = None
    """When none came by then, the outcome is `timed_out`."""
    since: Literal["instance", "now"] = "instance"
    """Which events count: those since the instance started, or only those from now on."""


class EmitParams(Shape):
    """Publish an event."""

    type: Annotated[str, Field(min_length=1)]
    """The event's type."""
    body: JsonValue = None
    """What it says: any value."""
    id: Annotated[str, Field(min_length=1)] | None = None
    """Its id: a second event of the same id is none. By default the idempotency key of the task."""


class FailParams(Shape):
    """Fail, always."""

    message: Annotated[str, Field(min_length=1)]
    """What is wrong."""
    kind: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] = "fail"
    """The kind of the error."""


class ExitParams(Shape):
    """End a scope at once: what runs is cancelled, what has not started is skipped."""

    state: Literal["succeeded", "failed", "cancelled"]
    """How it ends."""
    scope: Literal["own", "instance"] = "own"
    """Which scope: that of the task, or the whole instance."""


PARAMS: dict[str, type[Shape] | None] = {
    "http": HttpParams,
    "python": PythonParams,
    "script": ScriptParams,
    "container": ContainerParams,
    "values": None,
    "wait": WaitParams,
    "approval": ApprovalParams,
    "event": EventParams,
    "emit": EmitParams,
    "message": MessageParams,
    "fail": FailParams,
    "exit": ExitParams,
}
"""The parameters of each kind; `values` takes any map."""

KINDS = tuple(kind for kind in PARAMS if kind != "script")
"""What can stand after `uses`."""

WORKER_KINDS = frozenset({"script", "http", "python", "container", "emit", "message"})
"""Kinds that run in a worker, where secrets are; the others are decided where nothing secret may be."""

WITH_FILES = frozenset({"script", "container"})
"""Kinds that have a folder: they take and leave artifacts."""

WITHOUT_DEFAULTS = frozenset({"approval", "wait", "event", "fail", "exit"})
"""Kinds that `defaults` does not reach."""

OWN_OUTPUTS = frozenset({"approval", "wait", "values", "event", "emit", "message", "fail", "exit"})
"""Kinds whose outputs are what they are: nothing can be declared."""
