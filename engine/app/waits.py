"""What a task or an instance waits for now: people, events, times, slots, workers, or what it consists of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.app.gate_ports import SlotGroups
from engine.app.ports import ApprovalStore, InstanceReader
from engine.core.keys import owner, task_path
from engine.core.model import Task
from engine.core.state import ACTIVE, ScopeState, TaskRun
from engine.core.values import JsonObject
from engine.errors import NotFound

NAMED = 10
"""Holders, tasks and items that are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """One thing that is waited for. `on`: approval, event, time, retry, slot, rate, cache, queue, worker, child, items,
    iterations, tasks, pause, undo. `details` depend on it.
    """

    on: str
    said: str
    since: int | None = None
    until: int | None = None
    details: JsonObject = field(default_factory=dict)


class Waits:
    """Finds out what is waited for; reads only what concerns the task."""

    def __init__(self, *, reader: InstanceReader, approvals: ApprovalStore, slots: SlotGroups) -> None:
        self._reader = reader
        self._approvals = approvals
        self._slots = slots

    def of_task(self, instance: str, scope: str, task: Task, run: TaskRun, root: ScopeState) -> tuple[Wait, ...]:
        """What a task waits for that has not ended; `root` is the state of the instance's own scope."""
        path = task_path(scope, task.id)
        if "held" in run and "paused" in root:
            return (_pause(root),)
        return (self._gate(instance, path, run) if "gate" in run else self._task(instance, path, task, run),)

    def of_instance(self, instance: str, root: ScopeState) -> tuple[Wait, ...]:
        """What an instance waits for besides its tasks."""
        found = []
        if "paused" in root:
            found.append(_pause(root))
        if root["status"] == "queued":
            found.append(self._slot(instance, "", root["group"], root["started_at"]))
        if root["status"] == "compensating":
            left = [name for name in [root.get("undo", {}).get("now"), *root.get("undo", {}).get("left", [])] if name]
            found.append(Wait(on="undo", said=f"undoes {', '.join(left)}", details={"tasks": left}))
        return tuple(found)

    def _gate(self, instance: str, path: str, run: TaskRun) -> Wait:
        if run["gate"] == "slot":
            return self._slot(instance, path, run.get("group", ""), run.get("queued_at", run.get("ready_at")))
        if run["gate"] == "rate":
            until = run.get("timers", {}).get("rate")
            return Wait(on="rate", said="waits for its turn in a rate limit", since=run.get("ready_at"), until=until)
        return Wait(on="cache", said="asks for the outputs of an earlier run", since=run.get("ready_at"))

    def _task(self, instance: str, path: str, task: Task, run: TaskRun) -> Wait:
        timers, since = run.get("timers", {}), run.get("started_at", run.get("ready_at"))
        if "retry" in timers:
            return Wait(on="retry", said=f"waits before attempt {run['attempt'] + 1}", until=timers["retry"])
        if "approval" in run:
            return self._approval(instance, path, run)
        if "waits_for" in run:
            return _event(task, run)
        if "wait" in timers:
            return Wait(on="time", said="waits for a time", since=since, until=timers["wait"])
        if task.body is not None:
            return self._body(instance, path, run, since)
        if task.workflow:
            return self._child(task, run, since)
        if run["state"] == "queued":
            said = f"waits for a worker of the queue {task.queue}: none has said yet that it is at it"
            return Wait(on="queue", said=said, since=run.get("ready_at"), details={"queue": task.queue})
        return Wait(on="worker", said="a worker runs it", since=since, until=timers.get("timeout"))

    def _slot(self, instance: str, path: str, name: str, since: int | None) -> Wait:
        group = next(iter(self._slots.list(group=name)), None)
        holders = group.holders[:NAMED] if group else ()
        mine = (claim for claim in (group.waiters if group else ()) if (claim.instance, claim.path) == (instance, path))
        place = next((claim.place for claim in mine), None)
        by = ", ".join(f"{claim.instance} {claim.path}".rstrip() for claim in holders)
        return Wait(
            on="slot",
            said=f"waits for a slot of {name}" + (f", held by {by}" if by else ""),
            since=since,
            details={
                "group": name,
                "limit": group.limit if group else None,
                "place": place,
                "holders": [{"instance": claim.instance, "path": claim.path} for claim in holders],
            },
        )

    def _approval(self, instance: str, path: str, run: TaskRun) -> Wait:
        try:
            asked = self._approvals.at(instance, path, run["attempt"])
        except NotFound:  # it is opened in this very moment
            return Wait(on="approval", said="waits for an approval", since=run.get("started_at"))
        said = f"waits for {asked.require} of {', '.join(asked.approvers)}"
        if asked.decisions:
            said += f"; {', '.join(decision.person for decision in asked.decisions)} approved"
        return Wait(
            on="approval",
            said=said,
            since=asked.opened_at,
            until=asked.expires_at,
            details={
                "approval": asked.id,
                "approvers": list(asked.approvers),
                "exclude": list(asked.exclude),
                "require": asked.require,
                "approved": [decision.person for decision in asked.decisions],
            },
        )

    def _child(self, task: Task, run: TaskRun, since: int | None) -> Wait:
        child = run.get("child")
        if child is None:
            return Wait(on="child", said=f"{task.workflow} is about to be started", since=since)
        try:
            state: str = self._reader.get(child).state
        except NotFound:
            state = "forgotten"
        details = {"instance": child, "workflow": task.workflow, "state": state}
        return Wait(
            on="child", said=f"waits for {task.workflow} {child}, which is {state}", since=since, details=details
        )

    def _body(self, instance: str, path: str, run: TaskRun, since: int | None) -> Wait:
        under_way = _under_way(self._reader.scopes(instance, below=path, live=True, limit=NAMED))
        inside = f": {', '.join(under_way)}" if under_way else ""
        details: JsonObject = {"tasks": under_way}
        if "items" in run:
            items = run["items"]
            details |= {name: items[name] for name in ("total", "active", "succeeded", "failed")}
            ended = items["succeeded"] + items["failed"]
            return Wait(
                on="items", said=f"{ended} of {items['total']} items ended{inside}", since=since, details=details
            )
        if "iterations" in run:
            number = details["number"] = run["iterations"]["number"]
            until = run.get("timers", {}).get("next")
            said = f"iteration {number}{inside}" if run["iterations"]["active"] else f"waits after iteration {number}"
            return Wait(on="iterations", said=said, since=since, until=until, details=details)
        return Wait(on="tasks", said=f"its tasks are under way{inside}", since=since, details=details)


def _event(task: Task, run: TaskRun) -> Wait:
    match = task.match.source if task.match is not None else ""
    return Wait(
        on="event",
        said=f"waits for an event {run['waits_for']}" + (f" with {match}" if match else ""),
        since=run.get("started_at"),
        until=run.get("timers", {}).get("event"),
        details={"type": run["waits_for"], "match": match},
    )


def _pause(root: ScopeState) -> Wait:
    pause = root["paused"]
    reason = f": {pause['reason']}" if pause.get("reason") else ""
    details = {"by": pause["by"], "reason": pause.get("reason", "")}
    return Wait(on="pause", said=f"paused by {pause['by']}{reason}", since=pause["at"], details=details)


def _under_way(scopes: Mapping[str, ScopeState]) -> list[str]:
    """The tasks of these scopes that have not ended and do not consist of others in them."""
    around = {found for scope in scopes if (found := owner(scope)) is not None}
    return [
        task_path(scope, name)
        for scope, state in scopes.items()
        for name, run in state["tasks"].items()
        if run["state"] in ACTIVE and (scope, name) not in around
    ][:NAMED]
