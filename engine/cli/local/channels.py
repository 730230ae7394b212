"""Messages of a run on this machine: shown in the terminal, and sent only if somebody wants that."""

from __future__ import annotations

from collections.abc import Callable

from engine.app.channel_ports import Channel
from engine.app.recipients import ChannelChoice
from engine.app.records import Outgoing

Told = Callable[[str, Outgoing, bool], None]
"""Shows a message: to whom or which channel, the message, and whether it was sent as well."""


class LocalChannels:
    """Implements `engine.app.recipients.ChannelChoice` over the real ones."""

    def __init__(self, real: ChannelChoice, told: Told, *, send: bool) -> None:
        self._real = real
        self._told = told
        self._send = send

    def named(self, name: str) -> Channel:
        """A channel of project.yaml. Raises NotFound."""
        channel = self._real.named(name)
        return _Shown(f"channel {name}", self._told, channel if self._send else None)

    def mail(self) -> Channel | None:
        """E-mail, where it is sent and a server is set up."""
        channel = self._real.mail() if self._send else None
        return channel and _Shown("", self._told, channel)

    def log(self) -> Channel:
        """The terminal."""
        return _Shown("", self._told, None)


class _Shown:
    """Implements `engine.app.ports.Channel`."""

    def __init__(self, name: str, told: Told, channel: Channel | None) -> None:
        self._name = name
        self._told = told
        self._channel = channel

    def send(self, message: Outgoing) -> None:
        """Show it, and send it if there is a channel. Raises what the channel raises."""
        if message.links:  # an approval: it is asked for in the terminal, and no server is there for its links
            return
        if self._channel is not None:
            self._channel.send(message)
        self._told(self._name or ", ".join(message.to), message, self._channel is not None)
