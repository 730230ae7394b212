"""What the outside was promised, and whether it is so: answers are kept here, the end is asked of the database."""

from __future__ import annotations

import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import count as numbered
from threading import Event, Lock, Thread
from typing import Any

import httpx
import psycopg

from tests.faults.loads import Load
from tests.fleet import FINAL, Fleet
from tests.repository import push, signed
from tests.servers import wait_until

ENDINGS = "('TaskSucceeded', 'TaskFailed', 'TaskCancelled')"
ENDED_TWICE = f"""
    SELECT count(*) FROM (
        SELECT 1 FROM history WHERE accepted AND event->>'type' IN {ENDINGS}
        GROUP BY instance_id, path, event->>'task', event->>'attempt' HAVING count(*) > 1) AS doubled"""
SUCCEEDED_TWICE = """
    SELECT count(*) FROM (
        SELECT 1 FROM history WHERE accepted AND event->>'type' = 'TaskSucceeded'
        GROUP BY instance_id, path, event->>'task' HAVING count(*) > 1) AS doubled"""
SUCCEEDED = """
    SELECT i.id, i.workflow, count(h.instance_id) FROM instances i LEFT JOIN history h
    ON h.instance_id = i.id AND h.accepted AND h.event->>'type' = 'TaskSucceeded' GROUP BY i.id, i.workflow"""
QUIET = 0.95
"""The part of operations that must succeed while nothing is broken, so that a run that only errs does not pass."""


class Ledger:
    """Triggers sent to a fleet until they are acknowledged, and the books of them. Safe to share between threads."""

    def __init__(self, fleet: Fleet, keep: Callable[..., None]) -> None:
        self.fleet = fleet
        self._keep = keep
        self.url = fleet.environment.get("HEADRACE_INSTANCES_URL", f"sqlite:///{fleet.folder}/state/instances.db")
        self.acknowledged: dict[str, set[str]] = defaultdict(set)
        """Trigger to the instances that answers named."""
        self._quiet = False
        self._tried = self._succeeded = 0
        self._lock = Lock()

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """While nothing is broken: operations are counted."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False

    def start(self, workflow: str, key: str, *, at: str = "", seconds: float = 60) -> str:
        """One instance through the API, or the one `at` another address; gives its id."""
        url = f"{at or self.fleet.api}/api/v1/workflows/{workflow}/instances"
        headers = {"Idempotency-Key": key}
        answer = self._insist(lambda: self._post(url, json={"inputs": {}}, headers=headers), key, seconds)
        return self._note(key, [answer.json()["id"]])

    def steadily(self, deliver: Callable[[str], object], count: int, *, seconds: float) -> Thread:
        """Triggers spread over a time, from a thread of their own; join it."""

        def run() -> None:
            began = time.monotonic()
            for number in range(count):
                deliver(f"steady-{number}")
                time.sleep(max(0.0, began + seconds * (number + 1) / count - time.monotonic()))

        thread = Thread(target=run)
        thread.start()
        return thread

    def deliver(self, commit: str, key: str, *, at: str = "", seconds: float = 60) -> str:
        """One push through the webhooks process, or the one `at` another address; gives the id of the one instance it
        started. `seconds=0`: the first answer has to acknowledge it."""
        body = push(commit, number=key)
        url, headers = f"{at or self.fleet.hooks}/hooks/github", signed(body, delivery=key)
        answer = self._insist(lambda: self._post(url, content=body, headers=headers), key, seconds)
        return self._note(key, [entry["instance"] for entry in answer.json()["instances"]])

    def fill(self, workflow: str, count: int, name: str, *, threads: int = 6) -> None:
        """Many instances, from several clients at once."""
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda number: self.start(workflow, f"{name}-{number}"), range(count)))

    @contextmanager
    def filling(self, workflow: str, name: str, *, threads: int = 6) -> Iterator[None]:
        """One instance after another, from several clients at once, for as long as the block takes."""
        numbers, over = numbered(), Event()

        def client() -> None:
            while not over.is_set():
                self.start(workflow, f"{name}-{next(numbers)}")

        with ThreadPoolExecutor(threads) as pool:
            clients = [pool.submit(client) for _ in range(threads)]
            try:
                yield
            finally:
                over.set()
        for each in clients:
            each.result()

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What a query gives."""
        if self.kind == "sqlite":
            with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"), timeout=10)) as connection:
                return connection.execute(statement).fetchall()
        with psycopg.connect(self.url.replace("+psycopg", ""), connect_timeout=5) as connection:
            return connection.execute(statement.encode()).fetchall()

    def write(self, statement: str) -> None:
        """As somebody would by hand."""
        if self.kind == "sqlite":
            with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"), timeout=10)) as connection, connection:
                connection.execute(statement)
            return
        with psycopg.connect(self.url.replace("+psycopg", ""), connect_timeout=5) as connection:
            connection.execute(statement.encode())

    @property
    def kind(self) -> str:
        """Of the database: `sqlite` or `postgresql`."""
        return self.url.partition(":")[0].partition("+")[0]

    def count(self, statement: str) -> int:
        """The one number that a query gives."""
        ((number,),) = self.rows(statement)
        return int(number)

    def states(self) -> dict[str, int]:
        """Instances by state."""
        return dict(self.rows("SELECT state, count(*) FROM instances GROUP BY state"))

    def ended(self) -> bool:
        """Whether every instance has."""
        return set(self.states()) <= FINAL

    def recovery(self, moment: float) -> float:
        """Seconds from a moment (of `time.time`) to the end of the last instance that had been started by then."""
        ended = "SELECT coalesce(max(finished_at), 0) FROM instances WHERE started_at <= "
        return max(0.0, self.count(f"{ended}{moment * 1000:.0f}") / 1000 - moment)

    def longest(self, task: str) -> float:
        """Seconds of the database's time between the moment when such a task could begin and its end, at most."""
        end, begin = (f"CAST(state->'tasks'->'{task}'->>'{name}' AS bigint)" for name in ("finished_at", "ready_at"))
        return self.count(f"SELECT max({end} - {begin}) FROM scopes WHERE path = ''") / 1000

    def wait_for_end(self, seconds: float) -> float:
        """Until every instance has ended and the outbox is empty; gives the seconds it took."""
        began = time.monotonic()
        wait_until(self.ended, seconds=seconds, what=f"every instance to end: {self.states()}")
        took = time.monotonic() - began
        outbox = "SELECT count(*) FROM outbox"
        wait_until(lambda: self.count(outbox) == 0, seconds=15, what="the outbox to drain")
        return took

    def check(self, *loads: Load, **figures: object) -> None:
        """The invariants of the scorecard: exactly one instance for each trigger, exactly one accepted completion for each
        task run, all instances succeeded, nothing left. Keeps these figures with those given."""
        assert all(len(found) == 1 for found in self.acknowledged.values()), "a trigger was told two instances"
        promised = [instance for (instance,) in self.acknowledged.values()]
        assert len(promised) == len(set(promised)), "two triggers were told the same instance"
        expected = {load.name: load.tasks for load in loads}
        counted = {name: (workflow, tasks) for name, workflow, tasks in self.rows(SUCCEEDED) if workflow in expected}
        lost = set(promised) - set(counted)
        extra = set(counted) - set(promised)
        doubled = self.count(ENDED_TWICE) + self.count(SUCCEEDED_TWICE)
        assert (len(lost), len(extra), doubled) == (0, 0, 0), f"lost {lost}, not asked for {extra}, doubled {doubled}"
        wrong = {name: found for name, found in counted.items() if found[1] != expected[found[0]]}
        assert not wrong, f"other numbers of completed tasks than in the workflow: {wrong}"
        assert self.states() == {"succeeded": self.count("SELECT count(*) FROM instances")}
        assert self.count("SELECT count(*) FROM outbox") == 0
        assert self._tried > 0, "nothing was asked while nothing was broken"
        assert self._succeeded / self._tried >= QUIET, f"{self._succeeded} of {self._tried} in quiet phases"
        self._keep(instances=len(promised), lost=len(lost), doubled=doubled, **figures)

    def _post(self, url: str, **request: Any) -> httpx.Response | None:
        try:
            return self.fleet.client.post(url, **request, timeout=10)
        except httpx.HTTPError:
            return None

    def _insist(self, post: Any, key: str, seconds: float) -> httpx.Response:
        """Sent until it is acknowledged, as a careful client would; 5xx is a "not now", all else an error of ours."""
        deadline = time.monotonic() + seconds
        while True:
            quiet, answer = self._quiet, post()
            with self._lock:
                self._tried += quiet
                self._succeeded += quiet and answer is not None and answer.is_success
            if answer is not None and answer.is_success:
                return answer
            assert answer is None or answer.status_code == 503, answer.text
            assert time.monotonic() < deadline, f"{key} was never acknowledged"
            time.sleep(0.05)

    def _note(self, key: str, instances: list[str]) -> str:
        with self._lock:
            self.acknowledged[key].update(instances)
        (instance,) = instances
        return instance
