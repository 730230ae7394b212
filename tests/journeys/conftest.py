"""The two stacks: one process on SQLite and memory, and separate processes on PostgreSQL and Redis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from tests.journeys.fleet import DISTRIBUTED, Fleet, fleet
from tests.journeys.repository import SECRET, Repository
from tests.servers import free_port


@dataclass
class Mailbox:
    """A real SMTP server that keeps what it gets."""

    url: str = ""
    messages: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        import email
        import email.policy

        self.messages.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 kept"

    def to(self, address: str) -> list[EmailMessage]:
        return [message for message in list(self.messages) if address in str(message["To"])]


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    port = free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    box.url = f"smtp://127.0.0.1:{port}"
    yield box
    controller.stop()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repo")


def settings(repository: Repository, mailbox: Mailbox) -> dict[str, str]:
    return {
        "HEADRACE_REPO": str(repository.at),
        "HEADRACE_POLL": "0.5",
        "HEADRACE_SMTP_URL": mailbox.url,
        "HEADRACE_SECRET_GITHUB_WEBHOOK_SECRET": SECRET,
    }


def start_embedded(made: Fleet, repository: Repository) -> None:
    made.start("dev", "dev", str(repository.at))


def start_distributed(made: Fleet) -> None:
    made.run("db", "upgrade")
    for name in DISTRIBUTED:
        made.start(name)


@pytest.fixture
def production(tmp_path, repository, mailbox, postgres_url, redis_url) -> Iterator[Fleet]:
    """Separate processes on PostgreSQL and Redis; nothing is committed or started yet."""
    environment = settings(repository, mailbox) | {
        "HEADRACE_INSTANCES_URL": postgres_url,
        "HEADRACE_DEFINITIONS_URL": postgres_url,
        "HEADRACE_BROKER_URL": redis_url,
    }
    with fleet(tmp_path, environment) as made:
        yield made


@pytest.fixture
def embedded(tmp_path, repository, mailbox) -> Iterator[Fleet]:
    """`headrace dev`; nothing is committed or started yet."""
    with fleet(tmp_path, settings(repository, mailbox)) as made:
        yield made


@pytest.fixture(params=["embedded", pytest.param("production", marks=[pytest.mark.postgres, pytest.mark.redis])])
def stack(request, repository) -> Fleet:
    """The same journey on both stacks. Call `go(stack, repository)` once the repository has its first commit."""
    return request.getfixturevalue(request.param)


def go(made: Fleet, repository: Repository) -> None:
    """Start the stack's processes and wait until they are ready."""
    if "HEADRACE_BROKER_URL" in made.environment:
        start_distributed(made)
    else:
        start_embedded(made, repository)
    made.wait_ready()
