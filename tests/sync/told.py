"""What commits hold, and who is told of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.app.records import Outgoing
from engine.errors import NotFound

WORKFLOW = "name: {name}\ntasks:\n  one: {{uses: values, with: {{x: {x}}}}}\n"
PROJECT = """\
channels:
  releases: {kind: log}
sync:
  channel: releases
  status: {secret: GITHUB_TOKEN}
secrets: [GITHUB_TOKEN]
"""


def workflow(name: str, x: int = 1) -> str:
    return WORKFLOW.format(name=name, x=x)


@dataclass
class Told:
    """What people and the git host were told, and whether they can be."""

    statuses: list[dict[str, object]] = field(default_factory=list)
    messages: list[Outgoing] = field(default_factory=list)
    error: Exception | None = None

    def tell(self, **status: object) -> bool:
        if self.error:
            raise self.error
        self.statuses.append(status)
        return True

    def get(self, name: str) -> str:
        return f"value of {name}"

    def named(self, name: str) -> Told:
        if name != "releases":
            raise NotFound("channel", name)
        return self

    def send(self, message: Outgoing) -> None:
        if self.error:
            raise self.error
        self.messages.append(message)

    def mail(self) -> None:
        return None

    def log(self) -> Told:
        return self
