"""Who a message goes to: people, groups and addresses as written in files, and the channels that reach them."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Protocol

from engine.app.channel_ports import Channel
from engine.core.project import Project
from engine.errors import NotFound


class ChannelChoice(Protocol):
    """The ways to reach people that are set up now."""

    def named(self, name: str) -> Channel:
        """A channel of project.yaml. Raises NotFound."""
        ...

    def mail(self) -> Channel | None:
        """E-mail to the addresses of the message; None where no mail server is set up."""
        ...

    def log(self) -> Channel:
        """The engine's own log, always there."""
        ...


def addresses(project: Project, names: Sequence[str]) -> tuple[str, ...]:
    """The e-mail addresses of people, `group:NAME` and plain addresses, in order, each once.

    Raises NotFound for a name nobody has, and for a person without an address.
    """
    found: dict[str, None] = {}
    for name in names:
        if "@" in name:
            found[name] = None
            continue
        members = project.members([name])
        if not members and name.removeprefix("group:") not in project.groups:
            near = get_close_matches(name, [*project.people, *(f"group:{group}" for group in project.groups)], n=1)
            raise NotFound("person or group", name, suggestion=near[0] if near else None)
        for member in members:
            if not project.people[member].emails:
                raise NotFound("e-mail address of", member)
            found[project.people[member].emails[0]] = None
    return tuple(found)
