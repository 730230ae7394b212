"""Any workflow, its tasks ending in any order: the engine comes to what the reference interpreter reads out of LANGUAGE.md."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.commands import AskApprovers, GoOn, RunTask
from engine.core.events import (
    ApproversAsked,
    AttemptLost,
    DecisionMade,
    PauseRequested,
    ResumeRequested,
    ScopeStarted,
    TaskCancelled,
    TaskFailed,
    TaskStarted,
    TaskSucceeded,
)
from engine.core.keys import ROOT, split_path, task_path
from engine.core.model import Definition
from engine.core.outstanding import outstanding
from tests.core.drawn import workflows
from tests.core.reference_scopes import Interpreter
from tests.core.world import World

MANY = settings(max_examples=6 * settings.default.max_examples, suppress_health_check=[HealthCheck.too_slow])
pytestmark = [
    pytest.mark.usefixtures("small_windows"),
    pytest.mark.timeout(1_200),  # the long profile takes minutes
]
ERROR = {"kind": "exit", "message": "status 1"}


class Fate:
    """How everything ends that is not decided by the workflow, drawn once."""

    def __init__(self, definition: Definition, seed: int) -> None:
        self.definition = definition
        self.seed = seed

    def __call__(self, path: str, failed: int) -> str:
        scope, name = split_path(path)
        kind = self.definition.task_list(scope).tasks[name].kind
        if kind in ("values", "fail"):
            return "succeeded" if kind == "values" else "failed"
        drawn = random.Random(f"{self.seed} {path} {failed}").random()
        if kind == "approval":
            return "approved" if drawn < 0.7 else "rejected"
        return "succeeded" if drawn < 0.7 else "failed" if drawn < 0.95 else "cancelled"


def play(definition: Definition, fate: Fate, order: random.Random) -> World:
    """Run it to the end: whatever is asked for is answered some time, and the instance may be paused for a while."""
    world = World(definition)
    world.take(ROOT, ScopeStarted(at=world.now))
    for _ in range(5_000):
        if world.over:
            return world
        world.now += 1
        if order.random() < 0.05:
            kind = ResumeRequested if "paused" in world.scopes[ROOT] else PauseRequested
            world.take(ROOT, kind(by="ana", at=world.now))
        elif world.later and order.random() < 0.3:
            world.go_on()
        elif answers := list(_answers(world, fate, order)):
            path, event = order.choice(answers)
            world.take(path, event)
        elif world.later:
            world.go_on()
        else:
            assert "paused" in world.scopes[ROOT], "nothing will ever happen again"
            world.take(ROOT, ResumeRequested(by="ana", at=world.now))
    raise AssertionError("the instance does not end")


def _answers(world: World, fate: Fate, order: random.Random) -> Any:
    for scope, state in world.scopes.items():
        for command in outstanding(world.definition, state, world.context(scope)):
            if isinstance(command, GoOn):
                continue
            name = split_path(command.path)[1]
            if isinstance(command, AskApprovers):
                yield scope, ApproversAsked(task=name, attempt=command.attempt, at=world.now)
            elif isinstance(command, RunTask) and order.random() < 0.1 and state["tasks"][name].get("losses", 0) < 3:
                yield scope, AttemptLost(task=name, attempt=command.attempt, at=world.now)
            elif isinstance(command, RunTask) and order.random() < 0.2:
                yield scope, TaskStarted(task=name, attempt=command.attempt, at=world.now)
        for name, run in state["tasks"].items():
            task = world.definition.task_list(scope).tasks[name]
            if task.kind == "http" and run["state"] in ("queued", "running"):
                yield scope, _end(world, scope, name, fate)
            elif task.kind == "approval" and run["state"] == "waiting" and "approval" in run:
                decision: Any = fate(task_path(scope, name), 0)
                yield (
                    scope,
                    DecisionMade(task=name, attempt=run["attempt"], person="ana", decision=decision, at=world.now),
                )


def _end(world: World, scope: str, name: str, fate: Fate) -> Any:
    run = world.scopes[scope]["tasks"][name]
    fields: dict[str, Any] = {"task": name, "attempt": run["attempt"], "at": world.now}
    match fate(task_path(scope, name), run.get("used", 0)):
        case "succeeded":
            return TaskSucceeded(**fields)
        case "failed":
            return TaskFailed(error=ERROR, **fields)
    return TaskCancelled(**fields)


def outcomes(world: World) -> dict[str, str]:
    return {
        task_path(scope, name): run["state"]
        for scope, state in world.scopes.items()
        if not scope.endswith("/compensate")
        for name, run in state["tasks"].items()
    }


def compensations(world: World) -> list[str]:
    """In the order in which they began."""
    return [
        path for path, event, _ in world.history if event["type"] == "ScopeStarted" and path.endswith("/compensate")
    ]


def agree(definition: Definition, seed: int) -> tuple[list[str], list[str]]:
    fate = Fate(definition, seed)
    world = play(definition, fate, random.Random(seed))
    expected = Interpreter(definition, fate)
    ending = expected.run()
    assert outcomes(world) == expected.outcomes
    assert world.scopes[ROOT]["outcome"] == ending
    world.check_end()
    return compensations(world), expected.compensations


@MANY
@given(definition=workflows(chain=False), seed=st.integers(0, 2**32))
def test_whatever_the_order_the_ends_are_those_of_the_reference(definition: Definition, seed: int) -> None:
    found, expected = agree(definition, seed)
    assert sorted(found) == sorted(expected)


@MANY
@given(definition=workflows(chain=True), seed=st.integers(0, 2**32))
def test_one_after_the_other_exits_and_undoing_come_in_the_order_of_the_reference(
    definition: Definition, seed: int
) -> None:
    found, expected = agree(definition, seed)
    assert found == expected
