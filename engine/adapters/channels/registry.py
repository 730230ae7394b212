"""Chooses the channel for a message: what project.yaml names, e-mail where a server is set up, else the log."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches

from engine.adapters.channels.log import LogChannel
from engine.adapters.channels.slack import SlackChannel
from engine.adapters.channels.smtp import SmtpChannel, server
from engine.app.channel_ports import Channel
from engine.app.ports import Secrets
from engine.app.recipients import addresses
from engine.core.project import Project
from engine.errors import NotFound


class Channels:
    """Every way to reach people. `smtp_url` may be empty; the project is read at each use. Raises Misconfigured."""

    def __init__(self, *, smtp_url: str, mail_from: str, secrets: Secrets, project: Callable[[], Project]) -> None:
        self._server = server(smtp_url) if smtp_url else None
        self._sender = mail_from
        self._secrets = secrets
        self._project = project

    def named(self, name: str) -> Channel:
        """A channel of project.yaml; e-mail goes to the log where no mail server is set up. Raises NotFound."""
        project = self._project()
        spec = project.channels.get(name)
        if spec is None:
            near = get_close_matches(name, project.channels, n=1)
            raise NotFound("channel", name, suggestion=near[0] if near else None)
        if spec.kind == "slack":
            return SlackChannel(self._secrets, spec.secret)
        if spec.kind == "email" and self._server is not None:
            return SmtpChannel(self._server, self._sender, addresses(project, spec.to))
        return self.log()

    def mail(self) -> Channel | None:
        """E-mail, None where no mail server is set up."""
        return None if self._server is None else SmtpChannel(self._server, self._sender)

    def log(self) -> Channel:
        """The engine's own log."""
        return LogChannel()
