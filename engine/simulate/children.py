"""Instances that `workflow` tasks start: pretended by a mock, or run for real where their definition is at hand."""

from __future__ import annotations

from engine.app.admission import admitted
from engine.app.triggers import DEEPEST
from engine.core import events
from engine.core.commands import CancelChild, StartChild
from engine.core.events import Event
from engine.core.expressions.model import Literal, MapOf
from engine.core.keys import ROOT, split_path
from engine.core.state import TaskError
from engine.core.values import JsonObject
from engine.errors import Invalid
from engine.simulate import answers
from engine.simulate.instance import Above, Simulated
from engine.simulate.mocks import Unmocked
from engine.simulate.world import Startable, World
from engine.spec.case_models import MockKeys
from engine.spec.shape import suggest


def start(world: World, instance: Simulated, command: StartChild) -> None:
    """A child starts. Its inputs are held against its workflow, if that is at hand, even where a mock stands for it. Raises Unmocked."""
    path = instance.full(command.path)
    attempt = command.path, command.attempt
    world.given[path] = command.inputs
    startable = world.workflows.get(command.child)
    mock = world.mocks.take(path, "workflow") if startable is None else world.mocks.find(path)
    values = command.inputs
    if startable is not None:
        refused = _refused(instance, startable, command)
        if isinstance(refused, events.TaskFailed):
            world.put(instance, attempt, 0, refused)
            return
        values = refused
    above = Above(instance=instance, path=command.path, attempt=command.attempt, wait=command.wait)
    if mock is not None:
        _hold_outputs(mock, startable if command.wait else None, path)
        for after, event in answers.child(command, mock, path, above.child):
            world.put(instance, attempt, after, event)
    elif startable is not None:
        world.clock.put(0, lambda: _open(world, startable, values, above))


def cancel(world: World, instance: Simulated, command: CancelChild) -> None:
    """A child that runs hears of it and ends in its own time; one that is pretended has ended."""
    key = (instance.id, command.path, command.attempt)
    world.called_off.add(key)
    child = world.children.get(key)
    if child is not None:
        asked = events.CancelRequested(by=command.by, reason=command.reason)
        world.clock.put(0, lambda: world.take(child, ROOT, asked))
        return
    _, task = split_path(command.path)
    ended = events.ChildEnded(task=task, attempt=command.attempt, child=command.child, outcome="cancelled")
    world.soon(instance, command.path, ended)


def _refused(instance: Simulated, startable: Startable, command: StartChild) -> JsonObject | events.TaskFailed:
    """The child's inputs, or why there is none."""
    _, task = split_path(command.path)
    error: TaskError
    try:
        values = admitted(startable.definition, startable.inputs, command.inputs, {})
    except Invalid as invalid:
        error = {"kind": "inputs", "message": told(invalid)}
    else:
        if instance.depth < DEEPEST:
            return values
        message = f"workflows that start one another can be {DEEPEST} deep, and this one is"
        error = {"kind": "depth", "message": message}
    return events.TaskFailed(task=task, attempt=command.attempt, error=error)


def _hold_outputs(mock: MockKeys, startable: Startable | None, path: str) -> None:
    """What a mock gives has to be what the workflow gives, if that is known. Raises Unmocked."""
    given = None if startable is None else startable.definition.outputs
    if startable is None or not isinstance(given, MapOf | Literal):
        return
    names = [name for name, _ in given.items] if isinstance(given, MapOf) else given.value or {}
    for name in mock.outputs:
        if name not in names:
            meant = suggest(name, names)
            hint = f'; did you mean "{meant}"?' if meant else ""
            raise Unmocked(f'the mock of {path} does not fit: {startable.definition.name} has no output "{name}"{hint}')


def _open(world: World, startable: Startable, inputs: JsonObject, above: Above) -> None:
    parent = above.instance
    if (parent.id, above.path, above.attempt) in world.called_off:
        return
    scope, task = split_path(above.path)
    started: Event = events.ChildStarted(task=task, attempt=above.attempt, child=above.child)
    if not above.wait:
        started = events.TaskSucceeded(task=task, attempt=above.attempt, outputs={"instance": above.child})
    world.take(parent, scope, started)
    child = world.open(startable, inputs, {}, by=parent.run.facts.started_by, above=above)
    world.children[parent.id, above.path, above.attempt] = child


def told(refused: Exception) -> str:
    """Why something was refused, with each problem."""
    found = getattr(refused, "problems", ())
    details = "; ".join(f"{problem.pointer or '/'}: {problem.detail}" for problem in found)
    return f"{refused}: {details}" if details and details not in str(refused) else str(refused)
