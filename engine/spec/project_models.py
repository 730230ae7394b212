"""The shape of project.yaml, key by key."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from engine.spec.fields import Id, Names, Queue, SecretName, Shape, exactly_one
from engine.spec.policy_models import PoliciesKeys

_SIZE = re.compile(r"([0-9]{1,9}) ?(KiB|MiB)")
_UNITS = {"KiB": 1024, "MiB": 1024 * 1024}
SMALLEST_BODY, LARGEST_BODY = 1024, 25 * 1024 * 1024

Name: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]


def _size(value: Any) -> int:
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise PydanticCustomError("size", "a size is text like 512KiB or 5MiB")
    size = int(match.group(1)) * _UNITS[match.group(2)]
    if not SMALLEST_BODY <= size <= LARGEST_BODY:
        raise PydanticCustomError("size", "the size must be from 1KiB to 25MiB")
    return size


Size: TypeAlias = Annotated[
    int, BeforeValidator(_size, json_schema_input_type=Annotated[str, Field(pattern=r"^[0-9]+ ?(KiB|MiB)$")])
]
"""Bytes, once read."""


class PersonKeys(Shape):
    """Somebody who can be asked."""

    email: str | None = None
    """The address that is written to."""
    emails: list[str] = Field(default_factory=list)
    """All addresses, of commits for example; without `email` the first is written to."""
    slack: str = ""
    """The id at Slack, like U024BE7LH."""
    logins: Names = Field(default_factory=list)
    """Names at git hosts."""


class ChannelKeys(Shape):
    """A place for messages."""

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                {
                    "if": {"properties": {"kind": {"const": "email"}}},
                    "then": {"required": ["to"], "properties": {"to": {"minItems": 1, "minLength": 1}}},
                    "else": {"properties": {"to": {"maxItems": 0, "maxLength": 0}}},
                },
                {
                    "if": {"properties": {"kind": {"const": "slack"}}},
                    "then": {"required": ["secret"], "properties": {"secret": {"type": "string"}}},
                    "else": {"properties": {"secret": {"type": "null"}}},
                },
            ]
        }
    )

    kind: Literal["email", "slack", "log"]
    """How messages go out; `log` only writes them to the log."""
    to: Names = Field(default_factory=list)
    """For `email`: addresses, people and `group:NAME`."""
    secret: SecretName | None = None
    """For `slack`: the secret that holds the URL of its incoming webhook."""

    @model_validator(mode="after")
    def _complete(self) -> ChannelKeys:
        if (self.kind == "email") != bool(self.to):
            raise PydanticCustomError("channel", "`to` is needed for a channel of kind email, and only there")
        if (self.kind == "slack") != bool(self.secret):
            raise PydanticCustomError("channel", "`secret` is needed for a channel of kind slack, and only there")
        return self


class WebhookSourceKeys(Shape):
    """Who may call `/hooks/NAME`, and how calls are signed."""

    model_config = ConfigDict(json_schema_extra=exactly_one("secret", "secrets"))

    provider: Literal["github", "hmac"]
    """Whose signature it is; `hmac` is the hex HMAC-SHA256 of the body in a header."""
    secret: SecretName | None = None
    """The name of the signing secret."""
    secrets: Annotated[list[SecretName], Field(min_length=1, max_length=2)] | None = None
    """Two names while a secret is being replaced."""
    max_body: Size = 1024 * 1024
    """The largest body taken, 1KiB to 25MiB."""
    signature_header: str = "X-Signature-256"
    """For `hmac`: the header with the signature."""
    prefix: str = "sha256="
    """For `hmac`: what stands before the signature."""
    id_header: str = "X-Delivery-Id"
    """For `hmac`: the header with the delivery's id."""
    event_header: str = "X-Event"
    """For `hmac`: the header with the event's name."""

    @model_validator(mode="after")
    def _signed(self) -> WebhookSourceKeys:
        if (self.secret is None) == (self.secrets is None):
            raise PydanticCustomError("webhook", "a webhook source needs `secret`, or `secrets` while one is replaced")
        return self


class ApprovalsKeys(Shape):
    """How people show who they are."""

    identity: Literal["link"]
    """`link`: a personal link stands for its person."""


class StatusKeys(Shape):
    """Commit statuses at the git host."""

    secret: SecretName
    """The name of the secret with the token."""
    url: Annotated[str, Field(pattern=r"^https?://")] = "https://api.github.com"
    """The API's address."""


class SyncKeys(Shape):
    """What happens when this repository is loaded."""

    channel: str | None = None
    """The channel that hears of refused commits."""
    webhook: str | None = None
    """The webhook source whose push events make us look at once."""
    status: StatusKeys | None = None
    """Write commit statuses."""


class ProjectKeys(Shape):
    """What the workflows of a repository share. It names secrets and never holds one."""

    time_zone: str = "UTC"
    """The IANA time zone of schedules."""
    people: dict[Name, PersonKeys] = Field(default_factory=dict)
    """People by name."""
    groups: dict[Name, list[str]] = Field(default_factory=dict)
    """Groups of people by name."""
    channels: dict[Name, ChannelKeys] = Field(default_factory=dict)
    """Channels for messages by name."""
    webhooks: dict[Name, WebhookSourceKeys] = Field(default_factory=dict)
    """Webhook sources by name: the last part of their address."""
    vars: dict[Id, JsonValue] = Field(default_factory=dict)
    """Values that all workflows read as `vars`."""
    secrets: list[SecretName] = Field(default_factory=list)
    """Names of the secrets that workflows may use."""
    queues: list[Queue] = Field(default_factory=list)
    """Names of the task queues that workers read, beside `tasks`; without it workflows may name any."""
    approvals: ApprovalsKeys | None = None
    """How people show who they are."""
    sync: SyncKeys = SyncKeys()
    """What happens when this repository is loaded."""
    policies: PoliciesKeys = PoliciesKeys()
    """What workflows must have and may use."""
