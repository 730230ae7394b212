"""A seed is a run: the same one every time, in every process, and a failure leads back to it."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from engine.app.relay import Relay
from tests.simulation import __main__ as command
from tests.simulation.faults import KINDS, Plan, draw, only
from tests.simulation.run import play, run
from tests.simulation.shrink import shortest
from tests.simulation.stage import staged

ROOT = Path(__file__).resolve().parents[2]
TRACES = """
from tests.simulation.run import run
from tests.simulation.stage import staged
with staged():
    print(*(run(seed).trace for seed in range(30)))
"""


def test_a_seed_is_the_same_run_in_every_process():
    """Sets and hashes of texts come in another order in each of these."""
    traces = {
        subprocess.run(
            [sys.executable, "-c", TRACES],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(traces) == 1
    assert len(set(traces.pop().split())) == 30


def test_a_seed_is_the_same_run_again_and_none_leaves_anything_to_the_next():
    with staged():
        first = [run(seed).trace for seed in range(5)]
        assert [run(seed).trace for seed in reversed(range(5))] == list(reversed(first))


def test_every_kind_of_fault_happens():
    plans = [draw(Random(seed)) for seed in range(200)]
    for kind in KINDS:
        found = [only(plan, {kind}) for plan in plans]
        assert any(plan != only(plan, ()) for plan in found), kind
        assert any(plan == only(plan, ()) for plan in found), kind


def test_nothing_goes_wrong_where_nothing_is_planned():
    with staged():
        for seed in range(10):
            world, problems = play(seed, lambda _plan: Plan())
            assert (problems, world.weather.happened) == ([], {})


def test_a_failure_is_told_with_its_shortest_run_and_how_to_see_it_again(monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setattr(Relay, "run_once", lambda _self: 0)
    with staged():
        failed = (found for seed in range(100) if (found := run(seed)).problems)
        least = min(map(shortest, islice(failed, 3)), key=lambda one: len(one.faults))
    assert least.problems
    assert len(least.faults) < 5
    said = command.report(least)
    assert f"--seeds {least.seed} --trace --faults" in said
    assert "the outbox still has" in said
    assert command.main(["--seeds", str(least.seed), "-j", "1", "--faults", ",".join(least.faults)]) == 1
    assert f"seed {least.seed}: failed" in capsys.readouterr().out


def test_many_seeds_by_many_processes(capsys):
    assert command.main(["--seeds", "0:60", "-j", "2"]) == 0
    assert "60 seeds, 0 failed" in capsys.readouterr().out
