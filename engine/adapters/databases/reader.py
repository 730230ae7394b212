"""Instances as people read them: API, pages, command line."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from engine.adapters.databases.database import Database
from engine.adapters.databases.instances import PARENT, to_parent
from engine.adapters.databases.paging import newest_first
from engine.adapters.databases.tables import end_counts, history, instances, scopes
from engine.app.records import FINAL, UNFINISHED, HistoryRow, Instance
from engine.core.keys import FINALLY, ROOT
from engine.core.state import ScopeState
from engine.errors import NotFound

NAMES = [field.name for field in fields(Instance) if field.name != "parent"]
COLUMNS = [instances.c[name] for name in (*NAMES, *PARENT)]

STATES = sorted(UNFINISHED | FINAL)

_BY_ID = sa.select(*COLUMNS).where(instances.c.id == sa.bindparam("id"))
_BY_START_KEY = sa.select(*COLUMNS).where(instances.c.start_key == sa.bindparam("key"))


class Reader:
    """Implements `engine.app.ports.InstanceReader`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, id: str) -> Instance:
        """See the port."""
        found = self._database.rows(_BY_ID, id=id)
        if not found:
            raise NotFound("instance", id)
        return _instance(found[0])

    def by_start_key(self, key: str) -> Instance | None:
        """See the port."""
        found = self._database.rows(_BY_START_KEY, key=key)
        return _instance(found[0]) if found else None

    def list(
        self,
        *,
        workflow: str | None = None,
        state: str | None = None,
        parent: str | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> Sequence[Instance]:
        """See the port."""
        statement = sa.select(*COLUMNS)
        if workflow is not None:
            statement = statement.where(instances.c.workflow == workflow)
        if state is not None:
            statement = statement.where(instances.c.state == state)
        if parent is not None:
            statement = statement.where(instances.c.parent == parent)
        wanted = newest_first(statement, instances.c.started_at, instances.c.id, before=before, limit=limit)
        with self._database.reading() as connection:
            return [_instance(row) for row in connection.execute(wanted)]

    def scopes(
        self, id: str, *, limit: int | None = None, below: str = ROOT, after: str | None = None, live: bool = False
    ) -> Mapping[str, ScopeState]:
        """See the port."""
        whole = below == ROOT and after is None and not live
        statement = sa.select(scopes.c.path, scopes.c.state).where(scopes.c.instance_id == id).order_by(scopes.c.path)
        last = statement.where(scopes.c.path == FINALLY)
        if below != ROOT:
            statement = statement.where(_within(below))
        if after is not None:
            statement = statement.where(scopes.c.path > after)
        if live:
            statement = statement.where(sa.not_(scopes.c.settled))
        if limit is not None:
            statement = statement.limit(limit)
        with self._database.reading() as connection:
            found = {row.path: row.state for row in connection.execute(statement)}
            if whole and len(found) == limit and FINALLY not in found:
                found |= {row.path: row.state for row in connection.execute(last)}
            return found

    def scopes_at(self, id: str, paths: Collection[str]) -> Mapping[str, ScopeState]:
        """See the port."""
        statement = sa.select(scopes.c.path, scopes.c.state).where(scopes.c.instance_id == id, scopes.c.path.in_(paths))
        with self._database.reading() as connection:
            return {row.path: row.state for row in connection.execute(statement.order_by(scopes.c.path))}

    def scope(self, id: str, path: str) -> ScopeState | None:
        """See the port."""
        statement = sa.select(scopes.c.state).where(scopes.c.instance_id == id, scopes.c.path == path)
        with self._database.reading() as connection:
            return connection.execute(statement).scalar_one_or_none()

    def history(self, id: str, *, after: int = 0, limit: int = 500, scope: str | None = None) -> Sequence[HistoryRow]:
        """See the port."""
        statement = sa.select(history).where(history.c.instance_id == id, history.c.seq > after)
        if scope is not None:
            statement = statement.where(history.c.path == scope)
        statement = statement.order_by(history.c.seq).limit(limit)
        with self._database.reading() as connection:
            return [
                HistoryRow(
                    instance=row.instance_id,
                    seq=row.seq,
                    scope=row.path,
                    event=row.event,
                    accepted=row.accepted,
                    at=row.at,
                )
                for row in connection.execute(statement)
            ]

    def counts(self, most: int) -> Mapping[str, int]:
        """See the port. One look into the index for each state."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(*(_count(state, most) for state in STATES))).mappings().one()
        return {state: number for state, number in row.items() if number}

    def ended(self) -> Mapping[tuple[str, str], int]:
        """See the port."""
        with self._database.reading() as connection:
            return {(row.workflow, row.state): row.number for row in connection.execute(sa.select(end_counts))}

    def unfinished(self) -> Mapping[str, Mapping[str, int]]:
        """See the port."""
        state, workflow = instances.c.state, instances.c.workflow
        statement = sa.select(workflow, state, sa.func.count().label("number")).where(state.in_(sorted(UNFINISHED)))
        found: dict[str, dict[str, int]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(statement.group_by(workflow, state)):
                found.setdefault(row.workflow, {})[row.state] = row.number
        return found


def _count(state: str, most: int) -> sa.Label[int]:
    some = sa.select(sa.literal(1)).where(instances.c.state == state).limit(most).subquery()
    return sa.select(sa.func.count()).select_from(some).scalar_subquery().label(state)


def _within(path: str) -> sa.ColumnElement[bool]:
    """The scope at this path, or one within it: its path goes on with `[`, `/` or `#`. The range is what the index needs."""
    column = scopes.c.path
    ranges = [sa.and_(column >= path + sign, column < path + chr(ord(sign) + 1)) for sign in "#/["]
    return sa.and_(column >= path, column < path + chr(ord("[") + 1), sa.or_(column == path, *ranges))


def _instance(row: Sequence[Any]) -> Instance:
    plain, above = row[: len(NAMES)], row[len(NAMES) :]
    return Instance(parent=to_parent(*above), **dict(zip(NAMES, plain, strict=True)))
