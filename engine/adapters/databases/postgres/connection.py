"""A connection that does not wait for ever: an answer may get lost while the way to the server looks sound."""

from __future__ import annotations

import select
import time
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGconn, PGresult

ANSWER_SECONDS = 35.0
"""How long an answer is waited for: longer than PostgreSQL gives a statement, so that it gets to say why by itself."""

Answer = TypeVar("Answer")


class PromptConnection(psycopg.Connection[Any]):
    """Closed when the server owes it an answer for `patience` seconds; None waits for as long as it takes.

    Keepalives tell of a server that is gone. They do not tell of a proxy, or of a table of connections in between, that
    has forgotten it.
    """

    patience: float | None = ANSWER_SECONDS

    def __init__(self, pgconn: PGconn, *arguments: Any) -> None:
        super().__init__(pgconn, *arguments)
        self.known: set[bytes] = set()
        """Names of the statements that batches have prepared on it."""

    def results(self) -> list[PGresult]:
        """What the server answers to all that was sent until `pipeline_sync`, failures among them.

        Raises OperationalError: there is no whole answer, and the connection is of no use any more.
        """
        libpq, found = self.pgconn, list[PGresult]()
        socket = select.poll()
        while True:
            unsent = libpq.flush()
            while unsent or libpq.is_busy():
                socket.register(libpq.socket, select.POLLIN | (select.POLLOUT if unsent else 0))
                if not socket.poll(None if self.patience is None else self.patience * 1000):
                    raise psycopg.OperationalError("the server does not answer")
                libpq.consume_input()
                unsent = libpq.flush()
            result = libpq.get_result()
            if result is None:
                if libpq.status != ConnStatus.OK:
                    raise psycopg.OperationalError(libpq.get_error_message())
            elif result.status == ExecStatus.PIPELINE_SYNC:
                return found
            else:
                found.append(result)

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
