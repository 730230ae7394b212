"""Errors of the drivers become ours at this edge, by consequence: try again, refuse the value, or a bug."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import sqlalchemy.exc

from engine.errors import Broken, Conflict, HeadraceError, Invalid, Unavailable

DEALT_WITH = "a delivery has been dealt with already"
OLD_SCHEMA = "its schema is missing or older than this program: run `headrace db upgrade`"

_SQLITE_TRY_AGAIN = frozenset(
    {"BUSY", "LOCKED", "FULL", "IOERR", "CANTOPEN", "READONLY", "INTERRUPT", "NOMEM", "PROTOCOL", "PERM", "AUTH"}
)
"""First words of primary and extended result codes (SQLITE_IOERR_WRITE) that say nothing about the statement."""


@contextmanager
def translated() -> Iterator[None]:
    """Raises Unavailable, Invalid, Conflict or Broken instead of what SQLAlchemy, psycopg and sqlite3 raise."""
    try:
        yield
    except _errors() as error:
        raise translate(error) from error


def translate(error: Exception) -> HeadraceError:
    """The error to raise for one of a driver."""
    origin = error.orig if isinstance(error, sqlalchemy.exc.StatementError) and error.orig else error
    match origin:
        case HeadraceError():
            return origin
        case sqlalchemy.exc.TimeoutError():
            return Unavailable("the database", "all connections are in use")
        case UnicodeEncodeError():
            return Invalid("the value cannot be stored: a text holds a lone surrogate")
        case sqlite3.Error():
            return _of_sqlite(origin)
    if _psycopg() is not None:
        from engine.adapters.databases.postgres.translation import of_postgres

        return of_postgres(origin)
    return Broken(f"{type(origin).__name__}: {origin}")


def _errors() -> tuple[type[Exception], ...]:
    """Asked for when something was raised. psycopg is not imported for it: an engine on SQLite is smaller by a tenth without."""
    psycopg = _psycopg()
    ours = sqlalchemy.exc.SQLAlchemyError, sqlite3.Error, UnicodeEncodeError
    return ours if psycopg is None else (*ours, psycopg.Error)


def _psycopg() -> ModuleType | None:
    return sys.modules.get("psycopg")


def _of_sqlite(error: sqlite3.Error) -> HeadraceError:
    name = getattr(error, "sqlite_errorname", None) or ""
    _, _, code = name.partition("SQLITE_")
    if code.split("_")[0] in _SQLITE_TRY_AGAIN:
        return Unavailable("the database", str(error))
    if name in ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY") and "failed: instances." in str(error):
        return Conflict("the instance was started before")
    if str(error).startswith(("no such table", "no such column")):
        return Unavailable("the database", OLD_SCHEMA)
    if isinstance(error, sqlite3.DataError) or code == "TOOBIG":
        return Invalid(f"the value cannot be stored: {error}")
    return Broken(f"{type(error).__name__}: {error}")
