"""Ends a task from outside: somebody, or a program, did what it is for, or says that it will not be done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.app.advance import Advancer
from engine.app.kinds import Failed
from engine.app.masking import Masker
from engine.app.outputs import finished
from engine.app.ports import Clock, InstanceReader, InstanceStore
from engine.app.records import FINAL, Notification
from engine.app.storable import unstorable
from engine.app.triggers import rfc3339
from engine.core.codec import definition_from_json
from engine.core.event_tasks import PARTS
from engine.core.events import CancelRequested, TaskResolved, to_json
from engine.core.keys import split_path
from engine.core.model import Task
from engine.core.state import ACTIVE, TaskError, TaskRun
from engine.core.values import JsonObject
from engine.errors import Conflict, Invalid, NotFound, Problem


class Resolver:
    """The buttons beside a task that has not ended. Safe to share between threads."""

    def __init__(self, *, reader: InstanceReader, instances: InstanceStore, advancer: Advancer, clock: Clock) -> None:
        self._reader = reader
        self._instances = instances
        self._advancer = advancer
        self._clock = clock

    def complete(self, instance: str, path: str, outputs: JsonObject, *, by: str) -> None:
        """It did what it is for, with these outputs; one that waits for an event has received one.

        Raises NotFound, Conflict (it is not under way, has tasks of its own, is an approval), Invalid (the outputs do not
        fit what it declares), Unavailable.
        """
        task, run = self._find(instance, path)
        self._refuse_list(task, path)
        given = self._event(run, outputs, by) if task.kind == "event" else outputs
        self._resolve(
            instance, path, TaskResolved(task="", resolution="succeeded", by=by, outputs=_fitting(given, task))
        )

    def fail(self, instance: str, path: str, message: str, *, kind: str = "fail", by: str) -> None:
        """It will not be done, and is not tried again. Raises NotFound, Conflict, Invalid, Unavailable."""
        task, _ = self._find(instance, path)
        self._refuse_list(task, path)
        error: TaskError = {"kind": kind, "message": message}
        self._resolve(instance, path, TaskResolved(task="", resolution="failed", by=by, error=error))

    def cancel(self, instance: str, path: str, *, by: str, reason: str = "") -> None:
        """It is not wanted: what waits ends at once, what runs when it has stopped. Also one item that has tasks of its own.

        Raises NotFound, Conflict, Unavailable.
        """
        if self._is_item(instance, path):
            self._cancel_item(instance, path, by=by, reason=reason)
            return
        _, run = self._find(instance, path)
        if "by" in run:
            raise Conflict(f"the task {path} is being cancelled already, by {run['by']}")
        error: TaskError | None = {"kind": "cancelled", "message": reason} if reason else None
        self._resolve(instance, path, TaskResolved(task="", resolution="cancelled", by=by, error=error))

    def _is_item(self, instance: str, path: str) -> bool:
        """Whether the path names an item whose tasks are named themselves: no task, but the scope of some."""
        if not path.endswith("]"):
            return False
        definition = definition_from_json(self._instances.definition(self._reader.get(instance).digest))
        try:
            return "" not in definition.task_list(path).tasks
        except KeyError:
            return False

    def _cancel_item(self, instance: str, path: str, *, by: str, reason: str) -> None:
        """Its scope ends like a cancelled instance's, and the `for_each` counts it as one that did not succeed."""
        state = self._reader.scope(instance, path)
        if state is None:
            raise Conflict(f"the item {path} has not started, or there is none")
        if state["status"] != "running" or "cancel" in state:
            raise Conflict(f"the item {path} has ended, or is about to: it is {state['status']}")
        _refuse_unstorable({"by": by, "reason": reason})
        event = CancelRequested(by=by, reason=reason)
        self._advancer.submit([Notification(instance=instance, scope=path, event=to_json(event))])

    def _find(self, instance: str, path: str) -> tuple[Task, TaskRun]:
        """The task, if it is under way and no approval."""
        found = self._reader.get(instance)
        scope, name = split_path(path)
        try:
            definition = definition_from_json(self._instances.definition(found.digest))
            task = definition.task_list(scope).tasks[name]
        except KeyError:
            raise NotFound("task", path) from None
        state = self._reader.scope(instance, scope)
        if state is None:
            raise NotFound("task", path)
        run = state["tasks"].get(name)
        if run is None and found.state not in FINAL:
            raise Conflict(f"the task {path} has not started")
        if run is None or run["state"] not in ACTIVE:
            raise Conflict(f"the task {path} has ended already: {run['state'] if run else 'skipped'}")
        if task.kind == "approval":
            hint = "POST /api/v1/approvals/{id}/decision, or `headrace approve`"
            raise Conflict(f"the task {path} is an approval, which only those who are asked can decide: {hint}")
        return task, run

    @staticmethod
    def _refuse_list(task: Task, path: str) -> None:
        if task.body is not None:
            raise Conflict(f"the task {path} has tasks of its own: end those, or cancel it")

    def _event(self, run: TaskRun, outputs: JsonObject, by: str) -> JsonObject:
        """What a task that waits for an event hands on: the parts that are given, and what is known of the others."""
        wrong = [
            Problem(
                pointer=f"/outputs/{name}", detail=f"not among {', '.join(PARTS)}" if name not in PARTS else "no text"
            )
            for name, value in outputs.items()
            if name not in PARTS or (name != "body" and not isinstance(value, str))
        ]
        if wrong:
            raise Invalid("these are no parts of an event", problems=wrong)
        known = {"id": "", "type": run.get("waits_for", ""), "source": by, "body": None}
        return {**known, "received_at": rfc3339(self._clock.now()), **outputs}

    def _resolve(self, instance: str, path: str, event: TaskResolved) -> None:
        scope, name = split_path(path)
        _refuse_unstorable({"by": event.by, "error": dict(event.error or {})})
        self._advancer.submit([Notification(instance=instance, scope=scope, event=to_json(replace(event, task=name)))])
        state = self._reader.scope(instance, scope)
        run = None if state is None else state["tasks"].get(name)
        if run is None or run.get("by") != event.by:
            raise Conflict(f"the task {path} ended, or was being cancelled, in the same moment")


def _refuse_unstorable(said: JsonObject) -> None:
    bad = unstorable(said)
    if bad:
        raise Invalid("it cannot be kept", problems=[Problem(pointer=bad[0], detail=bad[1])])


def _fitting(outputs: JsonObject, task: Task) -> JsonObject:
    declared: Mapping[str, JsonObject] = task.outputs or {}
    try:
        return finished(outputs, declared, Masker(()))
    except Failed as error:
        listed = error.details.get("problems") or [
            {"pointer": error.details.get("pointer", ""), "detail": error.message}
        ]
        problems = [Problem(pointer=f"/outputs{one['pointer']}", detail=str(one["detail"])) for one in listed]
        raise Invalid(error.message, problems=problems) from None
