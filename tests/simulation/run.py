"""Runs seeds and says what went wrong in them, in words that lead back to the seed."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.simulation import invariants
from tests.simulation.faults import Plan, only
from tests.simulation.kernel import Endless
from tests.simulation.people import People
from tests.simulation.world import World

UNDISTURBED = Plan()
COMPARED = 2
"""Of so many seeds with steady workflows the results of one are compared: that is a second run."""


@dataclass(slots=True, kw_only=True)
class Run:
    """What became of one seed."""

    seed: int
    faults: frozenset[str] | None = None
    """The kinds that could happen; None for all that the seed has."""
    trace: str
    problems: list[str]
    turns: int
    happened: dict[str, int]
    lines: list[str] = field(default_factory=list)


def play(
    seed: int, limit: Callable[[Plan], Plan] = lambda plan: plan, *, keep: int = 60, like: World | None = None
) -> tuple[World, list[str]]:
    """One world to its rest, and what is wrong with it then."""
    world = World(seed, limit, like)
    world.kernel.keep = keep
    people = People(world)
    people.begin()
    try:
        world.run()
        problems = invariants.broken(world)
    except Endless as error:
        problems = [str(error), *invariants.broken(world)]
    except Exception:  # noqa: BLE001 - whatever ends a thread of the engine is a finding
        problems = [traceback.format_exc()]
    finally:
        world.kernel.close()
    return world, problems


def run(seed: int, faults: frozenset[str] | None = None, *, keep: int = 60) -> Run:
    """One seed, with all its faults or with those of these kinds alone. Of a steady workflow the results are held against those of a run in which nothing goes wrong."""
    world, problems = play(seed, lambda plan: plan if faults is None else only(plan, faults), keep=keep)
    if seed % COMPARED == 0 and not problems and world.family.steady and not invariants.lost_for_good(world):
        calm, wrong = play(seed, lambda _plan: UNDISTURBED, like=world)
        problems = [f"undisturbed: {problem}" for problem in wrong]
        expected, found = invariants.results(calm), invariants.results(world)
        problems += [
            f"the start {key} gave {found.get(key)}\n    and undisturbed {expected.get(key)}"
            for key in expected
            if found.get(key) != expected[key]
        ]
    return Run(
        seed=seed,
        faults=faults,
        trace=world.kernel.trace,
        problems=problems,
        turns=world.kernel.turns,
        happened=dict(world.weather.happened),
        lines=list(world.kernel.lines[-keep:]),
    )
