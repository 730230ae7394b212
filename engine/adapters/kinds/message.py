"""The kind `message`: tells people something, through a channel of project.yaml or by e-mail."""

from __future__ import annotations

from collections.abc import Callable

from engine.adapters.kinds.params import read
from engine.app.channel_ports import Channel
from engine.app.kinds import Call, Failed, misused
from engine.app.recipients import ChannelChoice, addresses
from engine.app.records import Outgoing
from engine.core.project import Project
from engine.core.values import JsonObject
from engine.errors import NotFound, Rejected, Unavailable
from engine.spec.kinds import MessageParams


class Message:
    """Takes `text`, `subject`, and either `channel` or `to` (people, `group:NAME`, addresses), read from the project of today."""

    def __init__(self, channels: ChannelChoice, project: Callable[[], Project]) -> None:
        self._channels = channels
        self._project = project

    def run(self, call: Call) -> JsonObject:
        """Raises Failed: `config`, `rejected` (it never will be taken), `network`."""
        params = read(MessageParams, call)
        subject = params.subject or f"{call.workflow}: {call.path}"
        try:
            channel, to = self._target(params)
            channel.send(Outgoing(subject=subject, text=params.text, to=to))
        except NotFound as error:
            raise misused(error.detail) from None
        except Rejected as error:
            raise Failed("rejected", error.detail) from None
        except Unavailable as error:
            raise Failed("network", str(error)) from None
        return {}

    def _target(self, params: MessageParams) -> tuple[Channel, tuple[str, ...]]:
        if params.channel is not None:
            return self._channels.named(params.channel), ()
        to = addresses(self._project(), params.to)
        if not to:
            raise misused("nobody is in the groups of `to`")
        return self._channels.mail() or self._channels.log(), to
