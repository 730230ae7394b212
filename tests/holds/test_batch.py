"""Statements straight on libpq: values arrive as they were given, and a failure leaves the connection fit for use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from engine.adapters.databases.connect import InstancesDatabase, open_instances
from engine.adapters.databases.postgres.batch import BEGIN, COMMIT, driver, give_back, run

pytestmark = pytest.mark.postgres


@pytest.fixture
def connection(postgres_url: str) -> Iterator[sa.Connection]:
    stores: InstancesDatabase = open_instances(postgres_url)
    connection = stores._database.batches.connect()
    yield connection
    give_back(connection)
    stores.close()


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("text[]", []),
        ("text[]", ["", None, "a, {b}", 'say "\\"', "\N{SNOWMAN}\N{GRINNING FACE}", "null"]),
        ("bytea[]", [b"", b"\0\xff", None]),
        ("bool[]", [True, False, None]),
        ("int[]", [0, -1, 2**31 - 1, -(2**31)]),
        ("int[]", [None, 5]),
        ("bigint[]", [0, -1, 2**63 - 1, -(2**63)]),
        ("bigint[]", list(range(3_000))),
        ("bigint", -(2**63)),
        ("INTEGER", 7),
        ("VARCHAR", "it's"),
    ],
)
def test_values_arrive_as_they_were_given(connection: sa.Connection, type_: str, value: Any):
    for _ in range(2):  # prepared on the way, and known
        ((found,),) = run(connection, [(f"SELECT %(value)b::{type_}", {"value": value})])[0]
        assert found == value


def test_a_parameter_may_occur_twice(connection: sa.Connection):
    statement = "SELECT %(a)b::bigint - %(b)b::bigint, %(a)b::bigint"
    assert run(connection, [(statement, {"a": 7, "b": 5})]) == [[(2, 7)]]


def test_the_first_failure_stops_the_rest_and_nothing_is_kept(connection: sa.Connection):
    divided, text = (
        "SELECT 1 / %(by)b::bigint",
        "INSERT INTO outbox (id, queue, body, publish_after) VALUES ('m', 'q', '{}', 0)",
    )
    with pytest.raises(psycopg.errors.DivisionByZero):
        run(connection, [BEGIN, (text, {}), (divided, {"by": 0}), ("SELECT 2", {}), COMMIT])
    driver(connection).rollback()
    assert run(connection, [("SELECT count(*) FROM outbox", {}), (divided, {"by": 1}), ("SELECT 2", {})]) == [
        [(0,)],
        [(1,)],
        [(2,)],
    ]


def test_what_is_prepared_outlives_a_transaction_that_is_undone(connection: sa.Connection):
    asked = ("SELECT %(value)b::bigint", {"value": 3})
    run(connection, [BEGIN, asked])
    driver(connection).execute("SELECT 1", prepare=True)  # psycopg has something to deallocate, and would take all
    driver(connection).rollback()
    assert driver(connection).info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert run(connection, [BEGIN, asked, COMMIT])[1] == [(3,)]


def test_nothing_is_sent_of_what_cannot_be_encoded(connection: sa.Connection):
    with pytest.raises(UnicodeEncodeError):
        run(connection, [BEGIN, ("SELECT %(value)b::text[]", {"value": ["\ud800"]})])
    assert driver(connection).info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_a_number_that_does_not_fit_is_no_value(connection: sa.Connection):
    with pytest.raises(psycopg.DataError, match="too large"):
        run(connection, [("SELECT %(value)b::int[]", {"value": [2**31]})])


def test_answers_larger_than_the_buffers_on_the_way(connection: sa.Connection):
    asked = ("SELECT %(texts)b::text[]", {"texts": ["x" * 1_000] * 5_000})
    assert [len(rows[0][0]) for rows in run(connection, [asked] * 8)] == [5_000] * 8


def test_a_connection_that_is_gone_says_so(connection: sa.Connection):
    ((pid,),) = run(connection, [("SELECT pg_backend_pid()", {})])[0]
    with psycopg.connect(driver(connection).info.dsn, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    with pytest.raises(psycopg.OperationalError):
        run(connection, [BEGIN])
    assert driver(connection).closed
