"""Which instance has which files, and which contents somebody still refers to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from engine.adapters.databases.database import Database
from engine.adapters.databases.tables import artifact_contents as contents
from engine.adapters.databases.tables import artifacts
from engine.app.artifact_ports import YOUNG, Artifact
from engine.core.keys import ROOT
from engine.errors import Conflict, NotFound, TooLarge

COLUMNS = {column.key: column for column in artifacts.c if column.key != "instance_id"}


class Artifacts:
    """Implements `engine.app.artifact_ports.ArtifactStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reserve(self, contents_: Mapping[str, int]) -> None:
        """See the port. In order, so that two that reserve the same do not wait for each other in a circle."""
        if not contents_:
            return
        later = self._database.now() + YOUNG
        insert = self._database.insert(contents).values(digest=sa.bindparam("d"), size=sa.bindparam("s"), look_at=later)
        reserved = insert.on_conflict_do_update(index_elements=["digest"], set_={"look_at": later})
        with self._database.writing() as connection:
            connection.execute(reserved, [{"d": digest, "s": contents_[digest]} for digest in sorted(contents_)])

    def put(
        self, instance: str, path: str, attempt: int, files: Sequence[Artifact], *, most: int | None = None
    ) -> None:
        """See the port."""
        mine = sa.and_(artifacts.c.instance_id == instance, artifacts.c.path == path, artifacts.c.attempt == attempt)
        with self._database.writing() as connection:
            before = connection.execute(sa.select(artifacts.c.digest).where(mine)).scalars().all()
            connection.execute(sa.delete(artifacts).where(mine))
            wanted = {file.digest for file in files}
            if look_later(connection, self._database, {*before, *wanted}) & wanted != wanted:
                raise Conflict("the files took so long to be kept that some are gone again")
            if files:
                now = connection.execute(sa.select(self._database.now())).scalar_one()
                connection.execute(sa.insert(artifacts), [_row(file, now) for file in files])
            size = connection.execute(_size(instance)).scalar_one()
            if most is not None and size > most:
                raise TooLarge("what the instance has of artifacts", most)

    def size(self, instance: str, *, without: tuple[str, int] | None = None) -> int:
        """See the port."""
        statement = _size(instance)
        if without is not None:
            statement = statement.where(sa.tuple_(artifacts.c.path, artifacts.c.attempt) != sa.tuple_(*without))
        with self._database.reading() as connection:
            return int(connection.execute(statement).scalar_one())

    def left(self, instance: str, path: str, *, below: bool = False) -> Sequence[Artifact]:
        """See the port."""
        inside = [artifacts.c.path.startswith(path + sign, autoescape=True) for sign in ("/", "[", "#")]
        here = sa.or_(artifacts.c.path == path, *inside) if below else artifacts.c.path == path
        if below and path == ROOT:
            here = sa.true()
        return self._read(
            _all(instance)
            .where(here)
            .order_by(artifacts.c.path, artifacts.c.attempt, artifacts.c.name, artifacts.c.file)
        )

    def list(
        self, instance: str, *, path: str | None = None, before: str | None = None, limit: int = 50
    ) -> Sequence[Artifact]:
        """See the port. Ids are in the order of time."""
        statement = _all(instance)
        if path is not None:
            statement = statement.where(artifacts.c.path == path)
        if before is not None:
            statement = statement.where(artifacts.c.id < before)
        return self._read(statement.order_by(artifacts.c.id.desc()).limit(limit))

    def get(self, instance: str, id: str) -> Artifact:
        """See the port."""
        named = sa.or_(artifacts.c.id == id, artifacts.c.digest == id)
        found = self._read(_all(instance).where(named).order_by(artifacts.c.id.desc()).limit(1))
        if not found:
            raise NotFound("artifact", id)
        return found[0]

    def collect(self, delete: Callable[[Sequence[str]], None], *, limit: int = 100) -> int:
        """See the port. The rows stay locked while the contents go: whoever reserves one meanwhile keeps it anew afterwards."""
        due = (
            sa.select(contents.c.digest)
            .where(contents.c.look_at <= self._database.now())
            .order_by(contents.c.look_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        with self._database.writing() as connection:
            found = connection.execute(due).scalars().all()
            if not found:
                return 0
            used = sa.select(artifacts.c.digest).where(artifacts.c.digest.in_(found)).distinct()
            kept = set(connection.execute(used).scalars())
            gone = [digest for digest in found if digest not in kept]
            connection.execute(sa.update(contents).where(contents.c.digest.in_(kept)).values(look_at=None))
            if gone:
                delete(gone)
                connection.execute(sa.delete(contents).where(contents.c.digest.in_(gone)))
        return len(found)

    def _read(self, statement: sa.Select[Any]) -> Sequence[Artifact]:
        with self._database.reading() as connection:
            return [
                Artifact(instance=row.instance_id, **{name: getattr(row, name) for name in COLUMNS})
                for row in connection.execute(statement)
            ]


def forget_artifacts(connection: sa.Connection, database: Database, instances: Collection[str], limit: int) -> int:
    """Up to `limit` files of these instances, whose contents are looked at later; returns how many went."""
    theirs = sa.select(artifacts.c.id, artifacts.c.digest).where(artifacts.c.instance_id.in_(instances)).limit(limit)
    rows = connection.execute(theirs).all()
    connection.execute(sa.delete(artifacts).where(artifacts.c.id.in_([row.id for row in rows])))
    look_later(connection, database, {row.digest for row in rows})
    return len(rows)


def look_later(connection: sa.Connection, database: Database, digests: Collection[str]) -> set[str]:
    """Somebody began or ceased to refer to these contents; returns those that are there. Locked in order, as `reserve` does."""
    if not digests:
        return set()
    these = contents.c.digest.in_(sorted(digests))
    locked = sa.select(contents.c.digest).where(these).order_by(contents.c.digest).with_for_update()
    found = set(connection.execute(locked).scalars())
    connection.execute(sa.update(contents).where(these).values(look_at=database.now() + YOUNG))
    return found


def _row(file: Artifact, now: int) -> dict[str, Any]:
    return {**{name: getattr(file, name) for name in COLUMNS}, "instance_id": file.instance, "at": now}


def _all(instance: str) -> sa.Select[Any]:
    return sa.select(artifacts).where(artifacts.c.instance_id == instance)


def _size(instance: str) -> sa.Select[Any]:
    return sa.select(sa.func.coalesce(sa.func.sum(artifacts.c.size), 0)).where(artifacts.c.instance_id == instance)
