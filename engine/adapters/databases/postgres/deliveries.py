"""Webhook calls on PostgreSQL that are stored before they are looked at: two round trips, whatever their number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from engine.adapters.databases.documents import encoded
from engine.adapters.databases.postgres import statements
from engine.adapters.databases.postgres.batch import BEGIN, COMMIT, Statement, first, give_back, run
from engine.adapters.databases.postgres.database import PostgresDatabase
from engine.adapters.databases.translation import translated
from engine.app.records import NewDelivery

_Key = tuple[str, str, str, int]
"""Source, key, delivery, hours."""


class PostgresRecorder:
    """Implements `engine.adapters.databases.deliveries.Recorder`."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    def store(self, calls: Sequence[NewDelivery]) -> tuple[int, Mapping[str, str]]:
        """See the port."""
        with translated():
            keys = _keys(calls)
            beginning = [BEGIN, _insert(calls, keys)]
            connection, answers = first(self._database.batches, lambda connection: run(connection, beginning))
            try:
                [(now, *lost)] = answers[-1]
                return now, _end(connection, keys, list(zip(*lost, strict=True)))
            finally:
                give_back(connection)


def _end(connection: sa.Connection, keys: Sequence[_Key], lost: Sequence[tuple[str, str, str]]) -> Mapping[str, str]:
    """Commit. Who did not get all its keys gives back the others; `lost` are (delivery, source, key)."""
    if not lost:
        run(connection, [COMMIT])
        return {}
    names, missed = {name for name, _, _ in lost}, {(source, key) for _, source, key in lost}
    back = [(source, key, name) for source, key, name, _ in keys if name in names and (source, key) not in missed]
    read, _, _ = run(
        connection,
        [
            (statements.READ_KEYS, {"sources": [one[1] for one in lost], "keys": [one[2] for one in lost]}),
            (
                statements.GIVE_KEYS_BACK,
                {
                    "sources": [source for source, _, _ in back],
                    "keys": [key for _, key, _ in back],
                    "deliveries": [name for _, _, name in back],
                },
            ),
            COMMIT,
        ],
    )
    held = {(source, key): holder for source, key, holder in read}
    return {name: held[source, key] for name, source, key in lost}


def _keys(calls: Sequence[NewDelivery]) -> Sequence[_Key]:
    """In order, so that two groups which share some wait for each other in one direction only."""
    return sorted((call.source, key, call.id, hours) for call in calls for key, hours in dict(call.keys).items())


def _insert(calls: Sequence[NewDelivery], keys: Sequence[_Key]) -> Statement:
    return statements.INSERT_DELIVERIES, {
        "key_sources": [source for source, _, _, _ in keys],
        "keys": [key for _, key, _, _ in keys],
        "key_deliveries": [name for _, _, name, _ in keys],
        "hours": [hours for _, _, _, hours in keys],
        "ids": [call.id for call in calls],
        "sources": [call.source for call in calls],
        "providers": [call.provider for call in calls],
        "events": [call.event for call in calls],
        "headers": [encoded(call.headers) for call in calls],
        "bodies": [call.body for call in calls],
    }
