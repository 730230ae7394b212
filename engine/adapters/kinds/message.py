"""The kind `message`: tells people something, through a channel of project.yaml or by e-mail."""

from __future__ import annotations

from collections.abc import Callable

from engine.app.kinds import Call, Failed, misused, only, text
from engine.app.ports import Channel
from engine.app.recipients import ChannelChoice, addresses
from engine.app.records import Outgoing
from engine.core.project import Project
from engine.core.values import JsonObject
from engine.errors import NotFound, Rejected, Unavailable


class Message:
    """Takes `text`, `subject`, and either `channel` or `to` (people, `group:NAME`, addresses), read from the project of today."""

    def __init__(self, channels: ChannelChoice, project: Callable[[], Project]) -> None:
        self._channels = channels
        self._project = project

    def run(self, call: Call) -> JsonObject:
        only(call.params, "channel", "to", "subject", "text")
        body = text(call.params, "text")
        subject = text(call.params, "subject", f"{call.workflow}: {call.path}")
        try:
            channel, to = self._target(call.params)
            channel.send(Outgoing(subject=subject, text=body, to=to))
        except NotFound as error:
            raise misused(error.detail) from None
        except Rejected as error:
            raise Failed("rejected", error.detail) from None
        except Unavailable as error:
            raise Failed("network", str(error)) from None
        return {}

    def _target(self, params: JsonObject) -> tuple[Channel, tuple[str, ...]]:
        if ("channel" in params) == ("to" in params):
            raise misused("exactly one of `channel` and `to` is needed")
        if "channel" in params:
            return self._channels.named(text(params, "channel")), ()
        names = params["to"] if isinstance(params["to"], list) else [params["to"]]
        if not names or not all(isinstance(name, str) for name in names):
            raise misused("`to` must be a list of people, groups and addresses")
        to = addresses(self._project(), names)
        if not to:
            raise misused("nobody is in the groups of `to`")
        return self._channels.mail() or self._channels.log(), to
