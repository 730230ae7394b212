"""Chooses the channel for a message: what project.yaml names, e-mail where a server is set up, else the log."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches

from engine.adapters.channels.log import LogChannel
from engine.app.channel_ports import Channel
from engine.app.ports import Secrets
from engine.app.recipients import addresses
from engine.core.project import Project
from engine.errors import NotFound


class Channels:
    """Every way to reach people. `smtp_url` may be empty; the project is read at each use. Raises Misconfigured."""

    def __init__(self, *, smtp_url: str, mail_from: str, secrets: Secrets, project: Callable[[], Project]) -> None:
        self._mail = _mailing(smtp_url, mail_from) if smtp_url else None
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
            from engine.adapters.channels.slack import SlackChannel  # 2 MiB for those who have one

            return SlackChannel(self._secrets, spec.secret)
        if spec.kind == "email" and self._mail is not None:
            return self._mail(addresses(project, spec.to))
        return self.log()

    def mail(self) -> Channel | None:
        """E-mail, None where no mail server is set up."""
        return None if self._mail is None else self._mail(())

    def log(self) -> Channel:
        """The engine's own log."""
        return LogChannel()


def _mailing(url: str, sender: str) -> Callable[[tuple[str, ...]], Channel]:
    from engine.adapters.channels.smtp import SmtpChannel, server  # what writes e-mails is for those who send some

    found = server(url)
    return lambda to: SmtpChannel(found, sender, to)
