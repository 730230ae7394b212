"""R17: workflows change and vanish under running instances: each ends as the version says that it was started with."""

from __future__ import annotations

import pytest

from engine.adapters.databases.connect import open_instances
from tests.faults.loads import Load
from tests.replayed import check_history
from tests.servers import wait_until

RELEASE = "released"
EVERY = 5
"""One in so many commits takes the workflow away; the next one brings it back."""
TEXT = """\
name: pinned
tasks:
  before{version}: {{uses: values, with: {{version: {version}}}}}
  held: {{needs: before{version}, uses: event, with: {{type: released}}}}
  each:
    needs: held
    for_each: ["a", "b"]
    key: item
    tasks:
      part{version}: {{uses: values, with: {{text: "${{{{ item }}}}{version}"}}}}
    outputs: {{text: "${{{{ tasks.part{version}.outputs.text }}}}"}}
outputs:
  version: "${{{{ tasks.before{version}.outputs.version }}}}"
  texts: "${{{{ tasks.each.outputs }}}}"
finally:
  last{version}: {{uses: values, with: {{done: true}}}}
"""


@pytest.mark.postgres
@pytest.mark.redis
def test_instances_end_on_the_version_they_started_with(begin, production, repository, postgres_url, long, measured):
    syncs, each = (50, 5) if long else (5, 2)
    ledger = begin(production, Load("pinned", TEXT.format(version=0), 1))
    started: dict[str, int] = {}
    with ledger.quiet():
        started |= {ledger.start("pinned", f"0-{number}"): 0 for number in range(each)}
    for version in range(1, syncs + 1):
        if version % EVERY == 0:
            repository.commit("Take it away", pinned=None)
            wait_until(lambda: not production.get("/workflows/pinned"), seconds=20, what="the workflow to go")
            continue
        head = repository.commit(f"Version {version}", pinned=TEXT.format(version=version))
        wait_until(lambda head=head: _head(production) == head, seconds=20, what=f"version {version}")
        with ledger.quiet():
            started |= {ledger.start("pinned", f"{version}-{number}"): version for number in range(each)}
    waiting = "SELECT count(*) FROM history WHERE accepted AND event->>'type' = 'EventsLookedAt'"
    wait_until(lambda: ledger.count(waiting) == len(started), seconds=30, what="all to wait")
    assert ledger.states() == {"waiting": len(started)}
    assert production.client.post(f"{production.api}/api/v1/events", json={"type": RELEASE}).is_success
    ledger.wait_for_end(60)
    assert ledger.states() == {"succeeded": len(started)}
    stores = open_instances(postgres_url)
    try:
        for instance, version in started.items():
            texts = [{"text": f"{item}{version}"} for item in "ab"]
            assert stores.reader.get(instance).outputs == {"version": version, "texts": texts}
        events = sum(check_history(stores, instance) for instance in started)
    finally:
        stores.close()
    measured(syncs=syncs, instances=len(started), on_their_version=len(started), events_replayed=events)


def _head(fleet) -> str:
    found = fleet.get("/workflows/pinned")
    return found["active"]["commit"] if found else ""
