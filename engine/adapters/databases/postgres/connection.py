"""A connection that does not wait for ever: an answer may get lost while the way to the server looks sound."""

from __future__ import annotations

import time
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen

ANSWER_SECONDS = 35.0
"""How long an answer is waited for: longer than PostgreSQL gives a statement, so that it gets to say why by itself."""

Answer = TypeVar("Answer")


class PromptConnection(psycopg.Connection[Any]):
    """Closed when the server owes it an answer for `patience` seconds; None waits for as long as it takes.

    Keepalives tell of a server that is gone. They do not tell of a proxy, or of a table of connections in between, that
    has forgotten it.
    """

    patience: float | None = ANSWER_SECONDS

    def wait(self, gen: PQGen[Answer], interval: float = 0.1, timeout: float | None = None) -> Answer:
        """Raises OperationalError, after which the connection is closed, if there is no answer in time."""
        limit = self.patience if timeout is None else timeout
        if limit is None:
            return super().wait(gen, interval)
        began = time.monotonic()
        try:
            return super().wait(gen, interval, limit)
        except psycopg.OperationalError:
            if timeout is None and time.monotonic() - began >= limit:
                self.pgconn.finish()  # what was asked may have happened or not, and its answer must not be the next one's
            raise
