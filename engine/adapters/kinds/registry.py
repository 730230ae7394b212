"""The kinds a task worker can run, by the name that stands after `uses` (`script` for `run`)."""

from __future__ import annotations

from collections.abc import Callable

from engine.adapters.kinds.addresses import Policy
from engine.adapters.kinds.container import Container
from engine.adapters.kinds.emit import Emit, Emits
from engine.adapters.kinds.late import Late
from engine.adapters.kinds.message import Message
from engine.adapters.kinds.python import Python
from engine.adapters.kinds.script import Script
from engine.app.kinds import Kind
from engine.app.recipients import ChannelChoice
from engine.core.project import Project


def kinds(
    *,
    http_allow: str,
    http_ports: str,
    channels: ChannelChoice,
    project: Callable[[], Project],
    events: Emits,
    container_command: str = "",
) -> dict[str, Kind]:
    """Build them, once per process. `http_allow`, `http_ports` and `container_command` as in the settings. Raises Misconfigured."""
    policy = Policy.read(http_allow, http_ports)
    return {
        "container": Container(container_command),
        "emit": Emit(events),
        "http": Late(lambda: _http(policy)),
        "message": Message(channels, project),
        "python": Python(),
        "script": Script(),
    }


def _http(policy: Policy) -> Kind:
    from engine.adapters.kinds.guard import Guard, resolve
    from engine.adapters.kinds.http import Http

    return Http(Guard(policy, resolve))
