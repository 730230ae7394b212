"""What the stores need of a database engine; SQLite and PostgreSQL each implement it once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import sqlalchemy as sa


class Database(Protocol):
    """One database, with its pool of connections. Errors leave translated (`translation`)."""

    def reading(self) -> AbstractContextManager[sa.Connection]:
        """A connection on which every statement stands alone."""
        ...

    def rows(self, statement: sa.Select[Any], **parameters: str | int) -> Sequence[Sequence[Any]]:
        """What one statement finds that is asked again and again; built once, with a `bindparam` for each parameter."""
        ...

    def writing(self) -> AbstractContextManager[sa.Connection]:
        """A transaction: committed at a clean end, else rolled back."""
        ...

    def exclusive(self) -> AbstractContextManager[sa.Connection]:
        """A transaction that only one process at a time gets, for migrations."""
        ...

    def alone(self, connection: sa.Connection, table: sa.Table) -> None:
        """Within a transaction of `writing`: until its end nobody else reads or writes the table. Raises Unavailable at once
        if that cannot be had."""
        ...

    def insert(self, table: sa.Table) -> Any:
        """An INSERT that knows ON CONFLICT: both dialects have it, SQLAlchemy's common one has not."""
        ...

    def now(self) -> sa.ColumnElement[int]:
        """The time of the database in milliseconds, as an expression: one moment per statement."""
        ...

    def close(self) -> None: ...
