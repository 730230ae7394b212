"""Errors of psycopg become ours, by consequence."""

from __future__ import annotations

import psycopg

from engine.adapters.databases.translation import DEALT_WITH, OLD_SCHEMA
from engine.errors import Broken, Conflict, HeadraceError, Invalid, Unavailable


def of_postgres(error: BaseException) -> HeadraceError:
    """What an error of psycopg means for the caller."""
    match error:
        case psycopg.errors.UniqueViolation() if error.diag.table_name == "instances":
            return Conflict("the instance was started before")
        case psycopg.errors.InvalidArgumentForLogarithm():  # see postgres/statements.py
            return Conflict(DEALT_WITH)
        case psycopg.errors.DivisionByZero():  # see postgres/statements.py
            return Broken("a row was changed by somebody else while it was locked, or does not exist")
        case psycopg.DataError() | psycopg.errors.ProgramLimitExceeded():  # e.g. too long for an index
            return Invalid(f"the value cannot be stored: {_first_line(error)}")
        case psycopg.errors.ReadOnlySqlTransaction():
            return Unavailable("the database", "it is read-only: a failover may be under way")
        case psycopg.errors.UndefinedTable() | psycopg.errors.UndefinedColumn():
            return Unavailable("the database", OLD_SCHEMA)
        case psycopg.OperationalError() | psycopg.InterfaceError() | psycopg.errors.InFailedSqlTransaction():
            return Unavailable("the database", _first_line(error))
    return Broken(f"{type(error).__name__}: {_first_line(error)}")


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
