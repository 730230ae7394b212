"""The scopes below one task, read within the transaction that locked their instance: in windows, the same on both databases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from engine.adapters.databases.tables import scopes
from engine.adapters.databases.translation import translated
from engine.app.records import LoadedScope
from engine.core.values import Json

_COLUMNS = (scopes.c.path, scopes.c.state, scopes.c.version)
_OUTCOME = scopes.c.state["outcome"].as_string()
_UNDONE = sa.func.coalesce(scopes.c.state["undone"].as_boolean(), sa.false())


class ChildScopes:
    """Implements `engine.app.child_ports.Children`."""

    def __init__(self, connection: sa.Connection, instance: str) -> None:
        self._connection = connection
        self._instance = instance

    def load(self, paths: Sequence[str]) -> Mapping[str, LoadedScope]:
        """See the port."""
        statement = sa.select(*_COLUMNS).where(scopes.c.instance_id == self._instance, scopes.c.path.in_(paths))
        return dict(self._loaded(statement))

    def live(self, task: str, after: str, limit: int) -> list[tuple[str, LoadedScope]]:
        """See the port."""
        statement = _below(self._instance, task, *_COLUMNS).where(sa.text("NOT settled"), scopes.c.path > after)
        return self._loaded(statement.order_by(scopes.c.path).limit(limit))

    def unsuccessful(self, task: str, began: int, after: str, limit: int) -> list[tuple[str, LoadedScope]]:
        """See the port."""
        badly = sa.or_(_OUTCOME != "succeeded", _UNDONE)
        statement = _below(self._instance, task, *_COLUMNS).where(
            scopes.c.settled, scopes.c.path > after, badly, _began(began)
        )
        return self._loaded(statement.order_by(scopes.c.path).limit(limit))

    def undoable(self, task: str, limit: int) -> list[str]:
        """See the port. Iterations that ended at one moment are told apart by their numbers."""
        well = _below(self._instance, task, scopes.c.path).where(
            scopes.c.settled, _OUTCOME == "succeeded", sa.not_(_UNDONE)
        )
        finished = sa.cast(scopes.c.state["finished_at"].as_string(), sa.BigInteger)
        newest = well.order_by(finished.desc(), sa.func.length(scopes.c.path).desc(), scopes.c.path.desc()).limit(limit)
        with translated():
            return list(reversed(self._connection.execute(newest).scalars().all()))

    def outputs(self, task: str, began: int) -> dict[int, Json]:
        """See the port."""
        index, found = scopes.c.state["locals"]["index"].as_integer(), scopes.c.state["outputs"]
        well = _below(self._instance, task, index.label("place"), found.label("outputs")).where(
            scopes.c.settled, _OUTCOME == "succeeded", _began(began)
        )
        with translated():
            return {row.place: row.outputs for row in self._connection.execute(well)}

    def _loaded(self, statement: sa.Select[Any]) -> list[tuple[str, LoadedScope]]:
        with translated():
            return [
                (row.path, LoadedScope(state=row.state, version=row.version))
                for row in self._connection.execute(statement)
            ]


def _began(attempt: int) -> sa.ColumnElement[bool]:
    """Items that a `for_each` opened after it began in this attempt; 0 is the first."""
    return sa.func.coalesce(scopes.c.state["began"].as_integer(), 0) == attempt


def _below(instance: str, task: str, *columns: Any) -> sa.Select[Any]:
    """The items and iterations of the task at this path, and nothing below those."""
    item, iteration = f"{task}[", f"{task}#"
    rest = sa.func.substr(scopes.c.path, len(item) + 1)
    of_item = sa.and_(scopes.c.path > item, scopes.c.path < f"{task}\\", rest.not_like("%/%"), rest.like("%]"))
    of_iteration = sa.and_(scopes.c.path > iteration, scopes.c.path < f"{task}$", rest.not_like("%/%"))
    return sa.select(*columns).where(scopes.c.instance_id == instance, sa.or_(of_item, of_iteration))
