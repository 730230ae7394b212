"""Opening the two databases by URL: the only place that knows there are two kinds. What the other kind needs is not imported."""

from __future__ import annotations

import sqlalchemy as sa

from engine.adapters.clock import SystemClock
from engine.adapters.databases.approvals import Approvals
from engine.adapters.databases.artifacts import Artifacts
from engine.adapters.databases.backlogs import BacklogReader
from engine.adapters.databases.database import Database
from engine.adapters.databases.definitions import Definitions
from engine.adapters.databases.deliveries import Deliveries, Recorder
from engine.adapters.databases.ends import EndStore
from engine.adapters.databases.events import Events
from engine.adapters.databases.logs import Logs
from engine.adapters.databases.reader import Reader
from engine.adapters.databases.recovery import RecoveryStore
from engine.adapters.databases.retention import RetentionStore
from engine.adapters.databases.schedules import ScheduleStore
from engine.adapters.databases.schema import Schema
from engine.adapters.databases.slot_reader import SlotReader
from engine.adapters.databases.values import LargeValues
from engine.app.artifact_ports import ArtifactStore
from engine.app.delivery_ports import DeliveryStore
from engine.app.event_ports import EventStore
from engine.app.figures import Backlogs
from engine.app.gate_ports import SlotGroups
from engine.app.log_ports import LogStore
from engine.app.ports import (
    ApprovalStore,
    Clock,
    DefinitionStore,
    InstanceReader,
    InstanceStore,
    Outbox,
    Recovery,
)
from engine.app.retention_ports import Retention
from engine.app.trigger_ports import Ends, Schedules
from engine.app.value_ports import ValueStore
from engine.errors import Misconfigured

SQLITE, POSTGRESQL = "sqlite", "postgresql+psycopg"


class Connected:
    """What both databases can do beside their stores. Safe to share between threads; nothing is opened before it is used."""

    def __init__(self, database: Database, schema: Schema) -> None:
        self._database = database
        self._schema = schema

    def upgrade(self) -> None:
        """Bring the schema up to date. Safe to call by several processes at once."""
        self._schema.upgrade()

    def current(self) -> bool:
        """Whether the schema is up to date."""
        return self._schema.current()

    def ping(self) -> None:
        """Raises Unavailable if the database does not answer."""
        with self._database.reading() as connection:
            connection.execute(sa.select(1))

    def close(self) -> None:
        """Close every connection that is not in use."""
        self._database.close()


class InstancesDatabase(Connected):
    """The instances DB: each store implements the port of its annotation."""

    def __init__(self, database: Database, store: InstanceStore, outbox: Outbox, recorder: Recorder) -> None:
        super().__init__(database, Schema(database, "instances"))
        self.store: InstanceStore = store
        self.outbox: Outbox = outbox
        self.recovery: Recovery = RecoveryStore(database)
        self.retention: Retention = RetentionStore(database)
        self.deliveries: DeliveryStore = Deliveries(database, recorder)
        self.approvals: ApprovalStore = Approvals(database)
        self.reader: InstanceReader = Reader(database)
        self.logs: LogStore = Logs(database)
        self.events: EventStore = Events(database)
        self.ends: Ends = EndStore(database)
        self.values: ValueStore = LargeValues(database)
        self.artifacts: ArtifactStore = Artifacts(database)
        self.schedules: Schedules = ScheduleStore(database)
        self.slots: SlotGroups = SlotReader(database)
        self.backlogs: Backlogs = BacklogReader(database)


class DefinitionsDatabase(Connected):
    """The definitions DB."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, Schema(database, "definitions"))
        self.definitions: DefinitionStore = Definitions(database)


def open_instances(url: str, *, clock: Clock | None = None) -> InstancesDatabase:
    """The instances DB at a URL; `clock` tells the time on SQLite. Raises Misconfigured."""
    clock = clock or SystemClock()
    parsed = _parsed(url)
    if parsed.drivername == SQLITE:
        from engine.adapters.databases.sqlite.database import SqliteDatabase
        from engine.adapters.databases.sqlite.deliveries import SqliteRecorder
        from engine.adapters.databases.sqlite.outbox import SqliteOutbox
        from engine.adapters.databases.sqlite.store import SqliteInstanceStore

        here = SqliteDatabase(parsed, clock)
        return InstancesDatabase(
            here, SqliteInstanceStore(here, clock), SqliteOutbox(here), SqliteRecorder(here, clock)
        )
    from engine.adapters.databases.postgres.database import PostgresDatabase
    from engine.adapters.databases.postgres.deliveries import PostgresRecorder
    from engine.adapters.databases.postgres.outbox import PostgresOutbox
    from engine.adapters.databases.postgres.store import PostgresInstanceStore

    there = PostgresDatabase(parsed)
    return InstancesDatabase(there, PostgresInstanceStore(there), PostgresOutbox(there), PostgresRecorder(there))


def open_definitions(url: str, *, clock: Clock | None = None) -> DefinitionsDatabase:
    """The definitions DB at a URL, which may be the instances DB's. Raises Misconfigured."""
    parsed = _parsed(url)
    if parsed.drivername == SQLITE:
        from engine.adapters.databases.sqlite.database import SqliteDatabase

        return DefinitionsDatabase(SqliteDatabase(parsed, clock or SystemClock()))
    from engine.adapters.databases.postgres.database import PostgresDatabase

    return DefinitionsDatabase(PostgresDatabase(parsed))


def _parsed(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise Misconfigured("the database's URL", "it cannot be read as a URL") from None
    if parsed.drivername not in (SQLITE, POSTGRESQL):
        raise Misconfigured(
            "the database's URL", f"{parsed.drivername!r} is not known: use sqlite:/// or postgresql+psycopg://"
        )
    return parsed
