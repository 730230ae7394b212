"""A connection that sends many statements at once, and does not wait for ever: an answer may get lost on a way that looks sound."""

from __future__ import annotations

import select
import time
from collections.abc import Sequence
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import ConnStatus, ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

from engine.adapters.databases.postgres.prepared import Prepared, prepared

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
        """Names of statements that `answers` has prepared on it."""

    @property
    def ended(self) -> bool:
        """Whether the server has hung up meanwhile: it says nothing between two answers, unless it says goodbye."""
        socket = select.poll()
        socket.register(self.pgconn.socket, select.POLLIN)
        return bool(socket.poll(0))

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

    def rollback(self) -> None:
        """Undo a transaction. psycopg's own deallocates everything that is prepared, so that batches would have to begin again."""
        if not self.known:
            super().rollback()
        elif self.info.transaction_status != TransactionStatus.IDLE:
            self.answers([(_ROLLBACK, [])])

    def answers(self, statements: Sequence[tuple[Prepared, Sequence[bytes]]]) -> Sequence[PGresult]:
        """A result for each of these, sent in one go. What the server does not know yet is prepared on the way.

        Raises psycopg.Error, the first failure's; the statements behind it were not carried out. After an OperationalError
        that leaves the connection closed what was asked may have happened or not.
        """
        new: dict[int, Prepared] = {}
        try:
            self.pgconn.enter_pipeline_mode()
            self._send(statements, new)
            self.pgconn.pipeline_sync()
            results = self._results()
            self.pgconn.exit_pipeline_mode()
        except BaseException:
            self.pgconn.finish()  # or an answer that comes late would be taken for the next one's
            raise
        self.known.update(statement.name for number, statement in new.items() if results[number].status in _GOOD)
        for result in results:
            if result.status not in _GOOD:
                raise psycopg.errors.error_from_result(result)
        return [result for number, result in enumerate(results) if number not in new]

    def _send(self, statements: Sequence[tuple[Prepared, Sequence[bytes]]], new: dict[int, Prepared]) -> None:
        """`new` gets what is prepared, by the number of its answer."""
        sent = 0
        for statement, values in statements:
            if statement.name not in self.known and statement not in new.values():
                self.pgconn.send_prepare(statement.name, statement.text)
                new[sent] = statement
                sent += 1
            formats = [Format.BINARY] * len(values)
            self.pgconn.send_query_prepared(statement.name, values, formats, Format.BINARY)
            sent += 1

    def _results(self) -> list[PGresult]:
        """Everything up to `pipeline_sync`, failures among it. Raises OperationalError: there is no whole answer."""
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
            if result is None:  # between two answers
                if libpq.status != ConnStatus.OK:
                    raise psycopg.OperationalError(libpq.get_error_message())
            elif result.status == ExecStatus.PIPELINE_SYNC:
                return found
            else:
                found.append(result)


_ROLLBACK = prepared("ROLLBACK")
_GOOD = frozenset({ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK})
