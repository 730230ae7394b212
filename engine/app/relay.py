"""Publish what a crash or an outage left in the outbox. Any number of relays share the work."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from engine.app.ports import Claimed, Leases, Outbox, Publisher
from engine.app.records import Message, OutboxRow
from engine.core.commands import lease_of
from engine.errors import Malformed, Unavailable

_log = structlog.get_logger(__name__)


class Relay:
    """Sweeps outbox rows past their `publish_after`."""

    def __init__(self, *, outbox: Outbox, publisher: Publisher, leases: Leases) -> None:
        self._outbox = outbox
        self._publisher = publisher
        self._leases = leases

    def run_once(self) -> int:
        """Publish up to 500 rows; returns how many were claimed. Raises Unavailable: the rows stay for the next sweep."""
        with self._outbox.claim() as claimed:
            if claimed.rows:
                self._publish(claimed)
            return len(claimed.rows)

    def _publish(self, claimed: Claimed) -> None:
        rows = self._idle(claimed)
        try:
            self._publisher.publish([_message(row) for row in rows])
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - a row that cannot be sent must not hold up the others
            _log.warning("publishing one by one", rows=len(rows), error=str(error))
            self._one_by_one(claimed, rows)

    def _idle(self, claimed: Claimed) -> list[OutboxRow]:
        """The rows that nobody is at work on. A process that serves both queues keeps its commands' rows until they are over:
        sent as well, they would be carried out twice."""
        leases = {row.id: lease for row in claimed.rows if (lease := _lease(row))}
        held = dict(zip(leases, self._leases.held(list(leases.values())), strict=True))
        idle = []
        for row in claimed.rows:
            if held.get(row.id):
                claimed.put_off(row.id)
            else:
                idle.append(row)
        return idle

    def _one_by_one(self, claimed: Claimed, rows: Sequence[OutboxRow]) -> None:
        for row in rows:
            try:
                self._publisher.publish([_message(row)])
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001 - as above: this row is counted, the 5th time parks it
                _log.error("outbox row cannot be published", row=row.id, attempts=row.attempts + 1, error=str(error))
                claimed.failed(row.id, str(error))


def _message(row: OutboxRow) -> Message:
    return Message(queue=row.queue, body=row.body, id=row.id, attempts=row.attempts)


def _lease(row: OutboxRow) -> str | None:
    try:
        return lease_of(row.body)
    except Malformed:  # made by hand: whoever reads the queue refuses it
        return None
