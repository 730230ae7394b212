"""What both instance stores read the same way: facts and compiled definitions, which never change."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from engine.adapters.databases.database import Database
from engine.adapters.databases.tables import definitions, instances
from engine.app.records import Facts, Parent
from engine.core.values import JsonObject
from engine.errors import Broken, NotFound

FACTS = ("workflow", "digest", "commit", "inputs", "trigger", "started_by", "started_at", "depth")
"""Columns of `instances` that are fields of a `Facts`; PARENT makes the other."""

PARENT = ("parent", "parent_path", "parent_attempt")
"""Columns that make a `Parent`, in the order of its fields."""


def read_facts(database: Database, instance: str) -> Facts:
    """Raises NotFound."""
    statement = sa.select(*(instances.c[name] for name in (*FACTS, *PARENT))).where(instances.c.id == instance)
    with database.reading() as connection:
        row = connection.execute(statement).one_or_none()
    if row is None:
        raise NotFound("instance", instance)
    return to_facts(row)


def to_facts(row: Any) -> Facts:
    """From a row of the columns FACTS and PARENT, whose documents are already values."""
    plain, above = row[: len(FACTS)], row[len(FACTS) :]
    return Facts(**dict(zip(FACTS, plain, strict=True)), parent=to_parent(*above))


def to_parent(instance: str | None, path: str, attempt: int) -> Parent | None:
    """From the columns PARENT."""
    return None if instance is None else Parent(instance=instance, path=path, attempt=attempt)


def parent_columns(parent: Parent | None) -> tuple[str | None, str | None, int | None]:
    """The values of the columns PARENT."""
    return (None, None, None) if parent is None else (parent.instance, parent.path, parent.attempt)


def read_definition(connection: sa.Connection, digest: str) -> JsonObject:
    """The compiled document. Raises Broken: every instance was stored together with its definition."""
    document = connection.execute(sa.select(definitions.c.document).where(definitions.c.digest == digest)).scalar()
    if document is None:
        raise Broken(f"the instances database does not have the definition {digest}")
    loaded: JsonObject = document
    return loaded
