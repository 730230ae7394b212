"""The stacks that journeys run on."""

from tests.stacks import _mailbox, embedded, production, repository

__all__ = ["_mailbox", "embedded", "production", "repository"]
