"""The definitions DB: sources, what was synced, versions of workflows, and which of them are active."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

import sqlalchemy as sa

from engine.adapters.databases.database import Database
from engine.adapters.databases.definition_tables import (
    active_versions,
    listeners,
    projects,
    sources,
    sync_requests,
    syncs,
    versions,
    webhook_triggers,
)
from engine.app.versions import SETTLED, Listener, ListenerKind, ProjectVersion, Source, SyncReport, SyncState, Version
from engine.core.values import JsonObject
from engine.errors import Conflict, NotFound

VERSION_NAMES = [field.name for field in fields(Version)]
VERSION = [versions.c[name] for name in VERSION_NAMES]
SYNC = [syncs.c[field.name] for field in fields(SyncReport)]


class Definitions:
    """Implements `engine.app.ports.DefinitionStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(
        self,
        *,
        report: SyncReport,
        source: Source,
        versions: Sequence[Version],
        project: ProjectVersion,
        known: str | None = None,
    ) -> bool:
        """See the port. Raises Conflict if another source has an active workflow of the same name."""
        with self._database.exclusive() as connection:
            if _overtaken(connection, report.source, known):
                return False
            self._put(connection, sources, ["name"], asdict(source))
            self._activate(connection, source.name, versions)
            loaded_at = self._database.now()
            self._put(connection, projects, ["source"], asdict(project) | {"loaded_at": loaded_at})
            connection.execute(sa.insert(syncs).values(asdict(report)))
        return True

    def record_sync(self, report: SyncReport, *, known: str | None = None) -> bool:
        """See the port."""
        with self._database.exclusive() as connection:
            if _overtaken(connection, report.source, known):
                return False
            connection.execute(sa.insert(syncs).values(asdict(report)))
        return True

    def last_sync(self, source: str, *states: SyncState) -> SyncReport | None:
        """See the port."""
        statement = sa.select(*SYNC).where(syncs.c.source == source)
        found = self._syncs(statement.where(syncs.c.state.in_(states)) if states else statement, 1)
        return found[0] if found else None

    def source(self, name: str) -> Source | None:
        """See the port."""
        columns = (sources.c[field.name] for field in fields(Source))
        with self._database.reading() as connection:
            row = connection.execute(sa.select(*columns).where(sources.c.name == name)).mappings().one_or_none()
        return None if row is None else Source(**row)

    def syncs(self, source: str | None = None, *, limit: int = 50) -> Sequence[SyncReport]:
        """See the port. Newest first."""
        statement = sa.select(*SYNC)
        return self._syncs(statement if source is None else statement.where(syncs.c.source == source), limit)

    def active(self, workflow: str) -> Version:
        """See the port."""
        found = self._database.rows(_ACTIVE_ONE, workflow=workflow)
        if found:
            return _version(found[0])
        with self._database.reading() as connection:
            names = connection.execute(sa.select(active_versions.c.workflow)).scalars().all()
        close = difflib.get_close_matches(workflow, names, n=1)
        raise NotFound("workflow", workflow, suggestion=close[0] if close else None)

    def active_all(self) -> Sequence[Version]:
        """See the port."""
        return self._versions(_active().order_by(active_versions.c.workflow))

    def version(self, id: str) -> Version:
        """Raises NotFound."""
        found = self._versions(sa.select(*VERSION).where(versions.c.id == id))
        if not found:
            raise NotFound("version", id)
        return found[0]

    def versions(self, workflow: str, *, limit: int = 50) -> Sequence[Version]:
        """See the port. Newest first."""
        statement = sa.select(*VERSION).where(versions.c.workflow == workflow)
        return self._versions(statement.order_by(versions.c.loaded_at.desc(), versions.c.id.desc()).limit(limit))

    def listening(self, webhook: str) -> Sequence[Version]:
        """See the port."""
        statement = _active().join(webhook_triggers, webhook_triggers.c.workflow == active_versions.c.workflow)
        listening = statement.where(webhook_triggers.c.webhook == webhook)
        return self._versions(listening.order_by(active_versions.c.workflow))

    def listeners(self, kind: ListenerKind, name: str | None = None) -> Sequence[Listener]:
        """See the port."""
        columns = (listeners.c.name, listeners.c.workflow, active_versions.c.version_id)
        joined = listeners.join(active_versions, listeners.c.workflow == active_versions.c.workflow)
        statement = sa.select(*columns).select_from(joined).where(listeners.c.kind == kind)
        if name is not None:
            statement = statement.where(listeners.c.name == name)
        with self._database.reading() as connection:
            rows = connection.execute(statement.order_by(listeners.c.workflow, listeners.c.name))
            return [Listener(name=row.name, workflow=row.workflow, version=row.version_id) for row in rows]

    def project(self) -> ProjectVersion | None:
        """See the port: the one loaded last."""
        columns = (projects.c[field.name] for field in fields(ProjectVersion))
        statement = sa.select(*columns).order_by(projects.c.loaded_at.desc(), projects.c.source).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(statement).mappings().one_or_none()
        return None if row is None else ProjectVersion(**row)

    def request_sync(self, source: str) -> None:
        """See the port."""
        with self._database.writing() as connection:
            connection.execute(self._database.insert(sync_requests).values(source=source).on_conflict_do_nothing())

    def take_sync_request(self, source: str) -> bool:
        """See the port. Looks first: a poll that finds nothing must not write."""
        if not self._database.rows(_ASKED_FOR, source=source):
            return False
        asked = sync_requests.c.source == source
        with self._database.writing() as connection:
            return connection.execute(sa.delete(sync_requests).where(asked)).rowcount == 1

    def _activate(self, connection: sa.Connection, source: str, loaded: Sequence[Version]) -> None:
        connection.execute(sa.delete(active_versions).where(active_versions.c.source == source))
        now = self._database.now()
        for version in loaded:
            row = asdict(version) | {"loaded_at": now}
            connection.execute(self._database.insert(versions).values(row).on_conflict_do_nothing())
            self._activate_one(connection, source, version)

    def _activate_one(self, connection: sa.Connection, source: str, version: Version) -> None:
        row = {"workflow": version.workflow, "source": source, "version_id": _stored(connection, version)}
        insert = self._database.insert(active_versions).values(row).on_conflict_do_nothing()
        if connection.execute(insert.returning(active_versions.c.workflow)).one_or_none() is None:
            raise Conflict(f"another source has a workflow named {version.workflow!r}")
        webhooks = {trigger["source"] for trigger in version.document.get("webhooks", ())}
        for webhook in sorted(webhooks):
            connection.execute(sa.insert(webhook_triggers).values(webhook=webhook, workflow=version.workflow))
        rows = [{"kind": kind, "name": name, "workflow": version.workflow} for kind, name in _listens(version.document)]
        if rows:
            connection.execute(sa.insert(listeners), rows)

    def _put(self, connection: sa.Connection, table: sa.Table, key: list[str], row: dict[str, Any]) -> None:
        insert = self._database.insert(table).values(row)
        changes = {name: insert.excluded[name] for name in row if name not in key}
        connection.execute(insert.on_conflict_do_update(index_elements=key, set_=changes))

    def _versions(self, statement: sa.Select[Any]) -> list[Version]:
        with self._database.reading() as connection:
            return [_version(row) for row in connection.execute(statement)]

    def _syncs(self, statement: sa.Select[Any], limit: int) -> list[SyncReport]:
        with self._database.reading() as connection:
            rows = connection.execute(statement.order_by(syncs.c.at.desc(), syncs.c.id.desc()).limit(limit))
            return [_report(row) for row in rows.mappings()]


def _overtaken(connection: sa.Connection, source: str, known: str | None) -> bool:
    """Whether another process that follows the source has settled any commit since the caller looked."""
    if known is None:
        return False
    settled = sa.select(syncs.c.id).where(syncs.c.source == source, syncs.c.state.in_(SETTLED))
    newest = connection.execute(settled.order_by(syncs.c.at.desc(), syncs.c.id.desc()).limit(1))
    return (newest.scalar_one_or_none() or "") != known


def _listens(document: JsonObject) -> Sequence[tuple[ListenerKind, str]]:
    """What a compiled definition listens to beside webhooks, each once."""
    found: set[tuple[ListenerKind, str]] = {("event", entry["type"]) for entry in document.get("events", ())}
    found |= {("workflow", entry["name"]) for entry in document.get("workflows", ())}
    return sorted(found | {("schedule", "") for _ in document.get("schedules", ())})


def _active() -> sa.Select[Any]:
    return sa.select(*VERSION).join_from(active_versions, versions, versions.c.id == active_versions.c.version_id)


def _version(row: Sequence[Any]) -> Version:
    return Version(**dict(zip(VERSION_NAMES, row, strict=True)))


def _stored(connection: sa.Connection, version: Version) -> str:
    """The id under which a version is stored: its own, or that of the same file at the same commit loaded by another."""
    same = sa.and_(
        versions.c.source == version.source,
        versions.c.commit == version.commit,
        versions.c.path == version.path,
        versions.c.digest == version.digest,
    )
    stored = sa.select(versions.c.id).where(sa.or_(versions.c.id == version.id, same))
    return str(connection.execute(stored).scalar_one())


def _report(row: sa.RowMapping) -> SyncReport:
    lists = {name: tuple(row[name]) for name in ("findings", "added", "changed", "removed")}
    return SyncReport(**{**row, **lists})


_ACTIVE_ONE = _active().where(active_versions.c.workflow == sa.bindparam("workflow"))
"""Built once: every start by the API asks for it."""

_ASKED_FOR = sa.select(sync_requests.c.source).where(sync_requests.c.source == sa.bindparam("source"))
