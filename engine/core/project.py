"""What the workflows of a repository share (`project.yaml`), as the engine reads it. People are read live: who left must not approve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal as OneOf

from engine.core.values import JsonObject

AUTHOR, STARTER = "author", "starter"
ROLES = frozenset({AUTHOR, STARTER})
"""What an approval may `exclude` besides people and groups: who wrote the version, who started the instance."""


DEFAULT_QUEUE = "tasks"
"""Where tasks go that name no queue; every project has it."""

RESERVED_QUEUE = "notifications"
"""The queue of the engine's own messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who can be asked. `logins` are names at git hosts; `emails` all addresses, the first is written to."""

    name: str
    emails: tuple[str, ...] = ()
    slack: str = ""
    logins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSpec:
    """A place for messages. `email` needs `to`; `slack` a `secret` that holds its incoming webhook's URL; `log` nothing."""

    name: str
    kind: OneOf["email", "slack", "log"]
    to: tuple[str, ...] = ()
    secret: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSource:
    """Who may call `/hooks/NAME`. `secrets` name one or two signing secrets (two while rotating); `max_body` in bytes.

    For `hmac`: the headers that carry the hex HMAC-SHA256 of the raw body (after `prefix`), the delivery's id, and the event.
    """

    name: str
    provider: OneOf["github", "hmac"]
    secrets: tuple[str, ...]
    max_body: int = 1024 * 1024
    signature_header: str = "X-Signature-256"
    prefix: str = "sha256="
    id_header: str = "X-Delivery-Id"
    event_header: str = "X-Event"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """One project.yaml at one commit. `sync_channel` hears of refused commits; `status_secret` is a token for commit statuses."""

    people: Mapping[str, Person] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    channels: Mapping[str, ChannelSpec] = field(default_factory=dict)
    webhooks: Mapping[str, WebhookSource] = field(default_factory=dict)
    vars: JsonObject = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    """Names of task queues beside `tasks`; empty: workflows may name any."""
    time_zone: str = "UTC"
    approval_identity: OneOf["link", ""] = ""
    """`link`: a personal link stands for its person. Empty: `link` under `headrace dev`, elsewhere the API's token is needed too."""
    sync_channel: str = ""
    status_secret: str = ""
    status_url: str = "https://api.github.com"
    sync_webhook: str = ""
    """The webhook source whose push events make us look at the repository at once."""

    def members(self, names: tuple[str, ...] | list[str]) -> tuple[str, ...]:
        """`ana`, `group:release-managers` as people's names, in order, each once; unknown ones are left out."""
        found: dict[str, None] = {}
        for name in names:
            group = name.removeprefix("group:")
            members = self.groups.get(group, ()) if group != name else (name,)
            found.update(dict.fromkeys(member for member in members if member in self.people))
        return tuple(found)

    def to_json(self) -> JsonObject:
        """The form that the definitions DB keeps."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: JsonObject) -> Project:
        """Read `to_json`'s form back."""
        values = dict(document)
        for name, kind in (("people", Person), ("channels", ChannelSpec), ("webhooks", WebhookSource)):
            values[name] = {key: kind(**_tuples(entry)) for key, entry in values.get(name, {}).items()}
        values["groups"] = {key: tuple(entry) for key, entry in values.get("groups", {}).items()}
        values["secrets"] = tuple(values.get("secrets", ()))
        values["queues"] = tuple(values.get("queues", ()))
        return cls(**values)


def _tuples(entry: JsonObject) -> JsonObject:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
