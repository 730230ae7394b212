"""Runs one case: starts the instance, lets virtual time pass until it has ended, and holds what came of it against what was expected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from engine.app.admission import admitted
from engine.core import events
from engine.core.keys import ROOT, task_path
from engine.core.model import Definition
from engine.core.state import ACTIVE, ScopeState
from engine.errors import Invalid
from engine.simulate.children import told
from engine.simulate.expectations import Played, misses, refusal_misses
from engine.simulate.mocks import Mocks, Unmocked
from engine.simulate.starts import Refused, started
from engine.simulate.timeline import lines
from engine.simulate.workers import obey
from engine.simulate.world import TESTED, Startable, World
from engine.spec.case_models import CancelKeys, CaseKeys

START = 1_893_456_000_000
"""When every simulated instance starts: 2030-01-01T00:00:00Z."""
MOST_STEPS = 200_000
"""Things that happen in one case: more is a loop without an end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a case: why it failed (nothing if it passed), and what happened when."""

    problems: tuple[str, ...]
    scopes: tuple[tuple[Definition, Mapping[str, ScopeState]], ...] = ()
    """Of each instance, for the coverage."""
    timeline: tuple[str, ...] = ()
    """Of a case that failed."""


def run(name: str, workflows: Mapping[str, Startable], case: CaseKeys) -> Outcome:
    """Run a case of the workflow called so; `workflows` has it and those it may call. Never raises for what stands in the case."""
    if case.vars:
        workflows = {each: _with_vars(startable, case) for each, startable in workflows.items()}
    tested = workflows[name]
    try:
        given, trigger = started(tested.definition, case, START)
        values = admitted(tested.definition, tested.inputs, given, trigger)
    except (Invalid, Refused) as refused:
        return Outcome(problems=refusal_misses(case.expect, told(refused)))
    except Unmocked as problem:
        return Outcome(problems=(str(problem),))
    if case.expect.refused is not None:
        return Outcome(problems=(f"expected no instance ({case.expect.refused}), and one was started",))
    world = World(START, mocks=Mocks(case.mocks), secrets=case.secrets, workflows=workflows, obey=obey)
    for sent in case.events:
        world.clock.put(sent.after, partial(world.arrive, sent.type, sent.body))
    if case.cancel is not None:
        world.clock.put(case.cancel.after, partial(_cancel, world, case.cancel))
    root = world.open(tested, values, trigger, by=case.started_by)
    problems = tuple(_pass_time(world, case))
    played = Played(world=world, took=root.root.get("finished_at", world.clock.now) - START)
    wrong = problems or tuple(misses(case.expect, played))
    return Outcome(
        problems=wrong,
        scopes=tuple((instance.definition, instance.scopes) for instance in world.instances.values()),
        timeline=tuple(lines(world.moments, START)) if wrong else (),
    )


def _with_vars(startable: Startable, case: CaseKeys) -> Startable:
    definition = startable.definition
    return replace(startable, definition=replace(definition, vars={**definition.vars, **case.vars}))


def _pass_time(world: World, case: CaseKeys) -> Iterable[str]:
    """Until all instances have ended, or nothing more happens; gives the problems that this led to."""
    for _ in range(MOST_STEPS):
        if world.problems or all(instance.is_final for instance in world.instances.values()):
            break
        at = world.clock.next_at()
        if at is None or at - START > case.timeout:
            return [f"the instance does not end; it waits at {', '.join(_waiting(world)) or 'nothing'}"]
        world.clock.step()
    else:
        return [f"it does not end: {MOST_STEPS} things happened"]
    if case.cancel is not None and not world.problems and "cancel" not in world.instances[TESTED].root:
        return ["the instance had ended before it was to be cancelled"]
    return world.problems


def _cancel(world: World, cancel: CancelKeys) -> None:
    root = world.instances[TESTED]
    if not root.is_final:
        world.take(root, ROOT, events.CancelRequested(by="test", reason=cancel.reason))


def _waiting(world: World) -> list[str]:
    return [
        f"{instance.full(task_path(path, name)) or 'the instance'} ({run['state']})"
        for instance in world.instances.values()
        for path, state in instance.scopes.items()
        for name, run in state["tasks"].items()
        if run["state"] in ACTIVE and "items" not in run and "iterations" not in run
    ]
