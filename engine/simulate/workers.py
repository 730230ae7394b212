"""Carries out what simulated instances ask for, as workers, people and children would, with what the case pretends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.app.attempt_error import attempt_error
from engine.app.kept_outputs import ForgottenOutputs
from engine.app.masking import Masker
from engine.core import events
from engine.core.commands import (
    AskApprovers,
    AwaitEvent,
    CancelChild,
    CancelTask,
    Command,
    ForgetOutputs,
    GoOn,
    KeepOutputs,
    LookUpCache,
    OpenApproval,
    ReleaseSlot,
    RunTask,
    StartChild,
    StopAwaiting,
    TakeSlot,
    TakeTurn,
)
from engine.core.expressions.errors import EvaluationError
from engine.core.expressions.render import finish
from engine.core.keys import split_path
from engine.core.values import Json, JsonObject
from engine.simulate import answers, children
from engine.simulate.board import parts, takes
from engine.simulate.instance import Simulated
from engine.simulate.mocks import Unmocked
from engine.simulate.world import World
from engine.spec.case_models import MockKeys


def obey(world: World, instance: Simulated, scope: str, command: Command) -> None:
    """Carry out a command that leaves an instance; the answers come by the clock. Raises Unmocked."""
    if isinstance(command, TakeSlot | ReleaseSlot | TakeTurn | LookUpCache):
        world.keeper.ask(instance.id, scope, command)
    elif (act := _ACTS.get(type(command))) is not None:
        act(world, instance, command)


def _run(world: World, instance: Simulated, command: RunTask) -> None:
    path = instance.full(command.path)
    attempt = command.path, command.attempt
    used: set[str] = set()

    def secret(name: str) -> str:
        value = world.secrets.get(name, f"secret {name}")
        used.add(value)
        return value

    try:
        params, env = _map(finish(command.params, secret)), _map(finish(command.env, secret))
    except EvaluationError as error:
        _, task = split_path(command.path)
        failed = events.TaskFailed(task=task, attempt=command.attempt, error=attempt_error(error, Masker(used)))
        world.put(instance, attempt, 0, failed)
        return
    world.given[path] = env if command.kind == "script" else {**params, "env": env} if env else params
    mock = world.mocks.take(path, command.kind)
    after, event = answers.attempt(command, mock, path, params, used)
    leaves = isinstance(event, events.TaskSucceeded) and command.kind in ("message", "emit")
    world.put(instance, attempt, after, event, (lambda: _leave(world, instance, command, params)) if leaves else None)


def _leave(world: World, instance: Simulated, command: RunTask, params: JsonObject) -> None:
    """What the success of an attempt does outside."""
    if command.kind == "message":
        world.messages.append(params)
        return
    name, type_, source = answers.emitted(command, params), str(params.get("type", "")), f"{instance.id}/{command.path}"
    world.clock.put(0, lambda: world.arrive(type_, params.get("body"), name=name, source=source))


def _stop(world: World, instance: Simulated, command: CancelTask) -> None:
    world.called_off.add((instance.id, command.path, command.attempt))
    _, task = split_path(command.path)
    world.soon(instance, command.path, events.TaskCancelled(task=task, attempt=command.attempt))


def _ask(world: World, instance: Simulated, command: OpenApproval) -> None:
    path = instance.full(command.path)
    names = ("message", "approvers", "require", "exclude", "channel")
    world.given[path] = {name: getattr(command, name) for name in names}
    mock = world.mocks.take(path, "approval")
    for after, event in answers.decisions(command, mock, path):
        world.put(instance, (command.path, command.attempt), after, event)


def _asked(world: World, instance: Simulated, command: AskApprovers) -> None:
    _, task = split_path(command.path)
    world.soon(instance, command.path, events.ApproversAsked(task=task, attempt=command.attempt))


def _await(world: World, instance: Simulated, command: AwaitEvent) -> None:
    path = instance.full(command.path)
    world.given[path] = {"type": command.event}
    found = world.board.wait(instance.id, command)
    mock = None if found else world.mocks.find(path)
    if found is not None:
        world.receive(found)
    elif mock is not None and mock.outcome != "timed_out":
        _pretend(world, instance, command, mock)


def _pretend(world: World, instance: Simulated, command: AwaitEvent, mock: MockKeys) -> None:
    """The event that a mock brings. Without one the task waits for those of the case, or until its time is over."""
    path = instance.full(command.path)
    if mock.fails or mock.outcome not in (None, "received"):
        raise Unmocked(f"{path} never ends so; it ends as received or timed_out")
    name = f"mock:{instance.id}/{command.path}/{command.attempt}"
    event = parts(world.clock.now + mock.after, command.event, mock.body, name=name, source="test")
    if not takes(command, event):
        raise Unmocked(f"the mock of {path} is no event that it takes: its `match` is not true for that body")
    _, task = split_path(command.path)
    received = events.EventReceived(task=task, attempt=command.attempt, event=event)
    world.put(instance, (command.path, command.attempt), mock.after, received)


def _stop_awaiting(world: World, instance: Simulated, command: StopAwaiting) -> None:
    world.board.stop(instance.id, command.path)


def _keep(world: World, instance: Simulated, command: KeepOutputs) -> None:
    name = instance.definition.name
    world.gates.keep(name, command.path, command.key, command.outputs, world.clock.now)


def _forget(world: World, instance: Simulated, command: ForgetOutputs) -> None:
    world.gates.forget(ForgottenOutputs(workflow=instance.definition.name, path=command.path, key=command.key))


def _go_on(world: World, _instance: Simulated, command: GoOn) -> None:
    world.go_on(command)


_ACTS: dict[type[Command], Callable[[World, Simulated, Any], None]] = {
    RunTask: _run,
    CancelTask: _stop,
    StartChild: children.start,
    CancelChild: children.cancel,
    OpenApproval: _ask,
    AskApprovers: _asked,
    AwaitEvent: _await,
    StopAwaiting: _stop_awaiting,
    KeepOutputs: _keep,
    ForgetOutputs: _forget,
    GoOn: _go_on,
}
"""The others leave rows that only people read, or ask again for what is lost: nothing is."""


def _map(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}
