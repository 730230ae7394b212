"""The two stacks: one process on SQLite and memory, and separate processes on PostgreSQL and Redis.

Those who use them import the fixtures into their conftest.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet import DISTRIBUTED, Fleet, fleet
from tests.mailbox import Mailbox, mailbox
from tests.repository import SECRET, Repository


@pytest.fixture(name="mailbox")
def _mailbox() -> Iterator[Mailbox]:
    with mailbox() as box:
        yield box


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
    """The databases of tests have their schema already."""
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


def go(made: Fleet, repository: Repository) -> None:
    """Start the stack's processes and wait until they are ready."""
    if "HEADRACE_BROKER_URL" in made.environment:
        start_distributed(made)
    else:
        start_embedded(made, repository)
    made.wait_ready()
