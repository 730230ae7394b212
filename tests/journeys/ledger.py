"""What must be true in the end, asked of the database from outside."""

from __future__ import annotations

from typing import Any

import psycopg

from tests.journeys.fleet import FINAL

TWICE = """
    SELECT count(*) FROM (
        SELECT 1 FROM history WHERE accepted AND event->>'type' = 'TaskSucceeded'
        GROUP BY instance_id, path, event->>'task' HAVING count(*) > 1) AS doubled"""


def rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url.replace("+psycopg", ""), connect_timeout=5) as connection:
        return connection.execute(statement.encode()).fetchall()


def states(url: str) -> dict[str, int]:
    """Instances by state."""
    return dict(rows(url, "SELECT state, count(*) FROM instances GROUP BY state"))


def ended(url: str) -> bool:
    """Whether every instance has."""
    return set(states(url)) <= FINAL


def deliveries(url: str) -> tuple[int, int]:
    """Instances that a delivery started, and how many deliveries those were."""
    ((started, distinct),) = rows(
        url, "SELECT count(*), count(DISTINCT delivery) FROM instances WHERE delivery IS NOT NULL"
    )
    return started, distinct


def accepted_twice(url: str) -> int:
    """Tasks with two accepted completions."""
    return int(rows(url, TWICE)[0][0])


def outbox(url: str) -> int:
    return int(rows(url, "SELECT count(*) FROM outbox")[0][0])
