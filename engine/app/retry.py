"""Retry a settled instance: from its failed tasks or from chosen ones, on its own version or on the newest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from engine.app.advance import Adoption, Advancer
from engine.app.ports import DefinitionStore, InstanceReader, InstanceStore
from engine.app.records import FINAL, Instance, Notification, Parent
from engine.app.versions import Version
from engine.core.codec import definition_from_json
from engine.core.events import RetryRequested, to_json
from engine.core.expressions.reads import refs
from engine.core.keys import FINALLY, ROOT, owner, scopes_around, split_path, task_path
from engine.core.model import Definition, ForEach, Task
from engine.core.outcomes import possible
from engine.core.state import ScopeState, TaskRun
from engine.core.values import Json
from engine.errors import Conflict, NotFound, Problem
from engine.spec.validation import problems, validator


class Retrier:
    """The retry button."""

    def __init__(
        self, *, reader: InstanceReader, instances: InstanceStore, definitions: DefinitionStore, advancer: Advancer
    ) -> None:
        self._reader = reader
        self._instances = instances
        self._definitions = definitions
        self._advancer = advancer

    def retry(self, instance: str, *, by: str, tasks: Sequence[str] = (), newest: bool = False) -> None:
        """Reopen it, durably: its unhandled failures, or `tasks` (paths), with all after them and all that was undone.

        Raises NotFound (the instance, a task), Conflict (it has not ended, there is nothing to retry, its parent has taken
        its result, it got no slot of its group, or the newest version does not fit, with the reasons), Unavailable.
        """
        found = self._reader.get(instance)
        if found.state not in FINAL:
            raise Conflict(f"instance {instance} has not ended: it is {found.state}")
        if found.state == "succeeded" and not tasks:
            raise Conflict(f"instance {instance} succeeded; name the tasks to run again")
        if found.parent is not None and self._is_awaited(found.parent):
            raise Conflict(f"its parent, instance {found.parent.instance}, has taken the result; retry that one")
        scopes = self._reader.scopes(instance)
        for path in tasks:
            _find(scopes, path)
        adoption = self._adopt(found, scopes) if newest else None
        event = RetryRequested(by=by, tasks=list(tasks), digest=adoption.digest if adoption else "")
        self._advancer.submit(
            [Notification(instance=instance, scope=ROOT, event=to_json(event))],
            adopting={instance: adoption} if adoption else {},
        )
        self._reader.get(instance)  # or it was pruned before it could be locked

    def _is_awaited(self, parent: Parent) -> bool:
        """Whether the task that started an instance took its result. With `wait: false` it went on without one."""
        try:
            above = self._reader.get(parent.instance)
        except NotFound:  # pruned: it has ended, whatever it made of the result
            return True
        scope, name = split_path(parent.path)
        definition = definition_from_json(self._instances.definition(above.digest))
        try:
            return definition.task_list(scope).tasks[name].wait
        except KeyError:  # it goes on with a newer version, without the task
            return True

    def _adopt(self, found: Instance, scopes: Mapping[str, ScopeState]) -> Adoption | None:
        version = self._definitions.active(found.workflow)
        if version.digest == found.digest:
            return None
        old = definition_from_json(self._instances.definition(found.digest))
        reasons = list(_misfits(found, old, definition_from_json(version.document), scopes))
        if reasons:
            raise Conflict(
                f"the version of commit {version.commit[:12]} does not fit what has run of instance {found.id}",
                problems=reasons,
            )
        return _adoption(version, scopes[ROOT].get("runs", 0))


def _adoption(version: Version, retries: int) -> Adoption:
    return Adoption(
        digest=version.digest,
        document=version.document,
        version=version.id,
        commit=version.commit,
        retries=retries,
    )


def _find(scopes: Mapping[str, ScopeState], path: str) -> TaskRun:
    """The run of the task at a path. Raises NotFound, also for one in an item that is none any more; Conflict for one that
    belongs to `finally`, which always runs again.
    """
    scope, name = split_path(path)
    if _is_of_finally(scope):
        raise Conflict("`finally` runs again with every retry; name tasks of the workflow itself")
    state = scopes.get(scope)
    run = None if state is None else state["tasks"].get(name)
    if run is None or not _is_current(scopes, scope):
        raise NotFound("task", path)
    return run


def _is_of_finally(scope: str) -> bool:
    return scope == FINALLY or scope.startswith(f"{FINALLY}/")


def _is_current(scopes: Mapping[str, ScopeState], scope: str) -> bool:
    """Whether no `for_each` around it has begun anew since, with other items."""
    for path in (scope, *scopes_around(scope)):
        around = owner(path)
        if around is not None and path.endswith("]"):
            run = scopes[around[0]]["tasks"].get(around[1])
            if run is None or run.get("items", {}).get("began", 0) != scopes[path].get("began", 0):
                return False
    return True


def _misfits(found: Instance, old: Definition, new: Definition, scopes: Mapping[str, ScopeState]) -> Iterator[Problem]:
    """Why an instance cannot go on with another definition: its inputs, or what has run and is not there any more."""
    for problem in problems(validator(new.inputs or {"type": "object"}), found.inputs):
        yield Problem(pointer=f"/inputs{problem.pointer}", detail=problem.detail)
    for scope, state in scopes.items():
        try:
            tasks = new.task_list(scope).tasks
        except KeyError:
            yield Problem(pointer=f"/tasks/{scope}", detail="it has run and does not exist in the new version")
            continue
        for name, run in state["tasks"].items():
            before, after = old.task_list(scope).tasks[name], tasks.get(name)
            yield from _misfit(task_path(scope, name), before, after, run)
            if after is not None and "items" in run and not _is_of_finally(scope):
                yield from _other_items(task_path(scope, name), (before.for_each, old), (after.for_each, new))


def _misfit(path: str, old: Task, new: Task | None, run: TaskRun) -> Iterator[Problem]:
    pointer = f"/tasks/{path}"
    if new is None:
        yield Problem(pointer=pointer, detail="it has run and does not exist in the new version")
    elif new.kind != old.kind:
        yield Problem(pointer=pointer, detail=f"it ran as {old.kind} and is {new.kind} in the new version")
    elif run["state"] not in (*possible(new.kind), *(case for case, _ in new.cases)):
        yield Problem(pointer=pointer, detail=f"it ended {run['state']}, which the new version does not know")


def _other_items(
    path: str, before: tuple[ForEach | None, Definition], after: tuple[ForEach | None, Definition]
) -> Iterator[Problem]:
    """A `for_each` keeps how far it has come, not its list: the list has to be the one that it began with."""
    (old, pinned), (new, fresh) = before, after
    if old is None or new is None:
        return
    changed = [
        said
        for said, differs in (
            ("`for_each`", (old.items, old.product) != (new.items, new.product)),
            ("`key`", old.key != new.key),
            ("`as`", old.name != new.name),
        )
        if differs
    ]
    read = sorted({ref for part in (old.items, old.key) if part is not None for ref in refs(part) if ref[0] == "vars"})
    changed += [f"`{'.'.join(ref)}`" for ref in read if _value(pinned, ref) != _value(fresh, ref)]
    for said in changed:
        yield Problem(
            pointer=f"/tasks/{path}", detail=f"its items have begun, and {said} is another in the new version"
        )


def _value(definition: Definition, ref: Sequence[str]) -> tuple[Json, ...]:
    """What a path within `vars` gives, as far as there is anything."""
    found: Json = definition.vars
    for name in ref[1:]:
        if not isinstance(found, dict) or name not in found:
            return ()
        found = found[name]
    return (found,)
