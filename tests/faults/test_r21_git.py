"""R21: the git remote goes away, is rewritten, and its follower is killed as it fetches: the last good version serves on."""

from __future__ import annotations

import secrets
import time

import pytest

from tests.faults.loads import dag
from tests.servers import wait_until

LOAD = dag(2)
POLL = 1.0
NOTICED = 2.0
"""Seconds that fetching, linting and loading may take beyond the poll."""
AWAY = 600.0
"""Seconds of the first time in the full form."""


@pytest.mark.postgres
@pytest.mark.redis
def test_the_last_good_version_serves_until_the_remote_is_back(begin, production, repository, long):
    """In the full form it is away for ten minutes the first time, and for six polls the others."""
    turns = 10 if long else 1
    ledger = begin(production, LOAD, HEADRACE_POLL=str(POLL))
    recoveries, restarts, kills = [], [], 0
    with ledger.quiet():
        ledger.start(LOAD.name, "quiet")
    for turn in range(turns):
        away = repository.at.rename(repository.at.with_name("away"))
        wait_until(lambda: production.get("/syncs")["items"][0]["state"] == "failed", what="the failure to be recorded")
        time.sleep(0 if not long else 6 * POLL if turn else AWAY)
        ledger.start(LOAD.name, f"away-{turn}")
        away.rename(repository.at)
        head = repository.commit("Change it", **_changed(f"{turn} after it was away"))
        recoveries.append(_loaded(production, head))

        repository.git("reset", "--quiet", "--hard", "HEAD~1")
        head = repository.commit("Rewrite it", **_changed(f"{turn} rewritten"))
        recoveries.append(_loaded(production, head))
        findings = production.get("/syncs")["items"][0]["findings"]
        assert "branch-rewritten" in {finding["rule"] for finding in findings}

        _add_weight(repository.at)
        head = repository.commit("Make it heavy", **_changed(f"{turn} heavy"))
        kills += _kill_as_it_fetches(production)
        ledger.start(LOAD.name, f"killed-{turn}")
        production.restart("sync-worker")
        restarts.append(_loaded(production, head))
    ledger.wait_for_end(60)
    ledger.check(
        LOAD, turns=turns, kills_in_a_fetch=kills, slowest_s=max(recoveries), slowest_after_a_kill_s=max(restarts)
    )
    if long:  # what a loaded machine does to one turn says nothing
        assert max(recoveries) < POLL + NOTICED


def _changed(how: str) -> dict[str, str]:
    return {LOAD.name: LOAD.text.replace("on:\n", f"description: changed {how}\non:\n")}


def _loaded(fleet, head) -> float:
    """Until the commit is live; gives the seconds it took."""
    began = time.monotonic()
    wait_until(lambda: fleet.get(f"/workflows/{LOAD.name}")["active"]["commit"] == head, seconds=30, what="the sync")
    return time.monotonic() - began


def _add_weight(at) -> None:
    for number in range(60):
        (at / f"{number}.bin").write_bytes(secrets.token_bytes(200_000))


def _kill_as_it_fetches(fleet) -> int:
    """With half a pack on the disk; 0 where git was faster."""
    packs = fleet.folder / "state" / "git"
    before = fleet.get("/syncs")["items"][0]["id"]
    wait_until(
        lambda: (
            any(packs.glob("*/copy.git/objects/pack/tmp_pack_*")) or fleet.get("/syncs")["items"][0]["id"] != before
        ),
        what="a fetch",
    )
    caught = any(packs.glob("*/copy.git/objects/pack/tmp_pack_*"))
    fleet.kill("sync-worker")
    return int(caught)
