"""R14: rows that are committed in another order than they were written are all published, and those rolled back never."""

from __future__ import annotations

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.adapters.broker.connect import connect
from engine.adapters.databases.connect import open_instances
from engine.app.records import Record
from tests.broker.conftest import read, take_all
from tests.fleet import fleet
from tests.holds.given import message
from tests.servers import wait_until

WRITERS = 8
ROLLED_BACK = 5
"""One in so many."""
QUEUE = "nobody-reads-it"


@pytest.mark.redis
def test_every_committed_row_is_published(database_url, redis_url, tmp_path, long, measured):
    """Two relays follow eight writers; a cursor over ids would miss half of the rows (B2)."""
    rows, longest = (2_000, 0.05) if long else (200, 0.01)
    dice = random.Random(14)
    pauses = [dice.uniform(0, longest) for _ in range(rows)]
    stores = open_instances(database_url)

    def write(number: int) -> str | None:
        with stores.store.lock([]) as locked:
            time.sleep(pauses[number])  # the fault: others commit meanwhile, in another order
            if number % ROLLED_BACK == 0:
                return None
            locked.record(Record(outbox=[message(f"m{number}", queue=QUEUE, body={"row": number})]))
        return f"m{number}"

    environment = {
        "HEADRACE_INSTANCES_URL": database_url,
        "HEADRACE_DEFINITIONS_URL": database_url,
        "HEADRACE_BROKER_URL": redis_url,
    }
    with fleet(tmp_path, environment) as relays:
        for name in ("one", "two"):
            relays.start(name, "relay")
        with ThreadPoolExecutor(WRITERS) as threads:
            committed = [number for number, name in enumerate(threads.map(write, range(rows))) if name]
        wait_until(lambda: stores.outbox.size() == (0, 0), seconds=30, what="the outbox to drain")
    stores.close()
    published = Counter(_rows(redis_url))
    assert len(committed) == rows * (ROLLED_BACK - 1) // ROLLED_BACK
    assert set(published) == set(committed)
    measured(rows=len(committed), missing=0, sent_twice=published.total() - len(published))


def _rows(redis_url: str) -> list[int]:
    broker = connect(redis_url)
    try:
        return [sent.args[0]["row"] for sent in take_all(read(broker, QUEUE, window=10_000))]
    finally:
        broker.close()
