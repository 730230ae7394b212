"""The child scopes of a task as they stand in the middle of a batch: what the database has, and what the batch has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from engine.app.child_ports import Children
from engine.app.records import LoadedScope
from engine.core.commands import CollectItems, FindChildren, GoOn, TellChildren
from engine.core.events import (
    CancelRequested,
    ChildrenDue,
    ChildrenFound,
    Event,
    ItemsCollected,
    ResumeRequested,
    RetryRequested,
    to_json,
)
from engine.core.items import WINDOW
from engine.core.keys import KEY, task_path
from engine.core.outputs import too_large
from engine.core.state import ScopeState

Wanted = Callable[[str, ScopeState], bool]


class Family:
    """The scopes of one instance. `know` is told of scopes that were read, `later` of events for a transaction of their own.

    `written`: how many of them this transaction has changed.
    """

    def __init__(
        self,
        instance: str,
        stored: Children | None,
        *,
        changed: Callable[[], Mapping[str, ScopeState]],
        written: Callable[[], int],
        know: Callable[[str, LoadedScope], None],
        later: Callable[[GoOn], None],
    ) -> None:
        self._instance = instance
        self._stored = stored
        self._changed = changed
        self._written = written
        self._know = know
        self._later = later

    def obey(
        self, scope: str, command: TellChildren | CollectItems | FindChildren, at: int
    ) -> Iterator[tuple[str, Event]]:
        """The events that a command about the child scopes of one of `scope`'s tasks leads to."""
        task = task_path(scope, command.task)
        match command:
            case TellChildren():
                yield from self._tell(scope, task, command, at)
            case CollectItems():
                yield scope, self._collect(task, command, at)
            case FindChildren():
                yield scope, self._find(task, command, at)

    def _tell(self, scope: str, task: str, command: TellChildren, at: int) -> Iterator[tuple[str, Event]]:
        """The next window of them; one that is full may not be the last."""
        stored = self._next_window(task, command)
        paths = self._merged(task, stored, _wanted(command), command.after)
        told = paths[: min(command.limit or WINDOW, WINDOW)]
        due = ChildrenDue(
            task=command.task,
            attempt=command.attempt,
            what=command.what,
            after=told[-1] if told else command.after,
            told=len(told) == len(paths) and max(len(paths), len(stored)) < WINDOW,
            at=at,
        )
        if command.what == "retry":  # counted before they go on
            yield scope, replace(due, count=len(told))
        for path in told:
            yield path, _told(command, at)
        if not due.told and not command.limit:
            self._later(GoOn(instance=self._instance, scope=scope, event=to_json(due)))
        elif due.told and command.what == "resume" and command.after:
            yield scope, due

    def _next_window(self, task: str, command: TellChildren) -> Sequence[tuple[str, LoadedScope]]:
        if self._stored is None:
            return ()
        if command.what == "retry":
            return self._stored.unsuccessful(task, command.began, command.after, WINDOW)
        return self._stored.live(task, command.after, WINDOW)

    def _merged(self, task: str, stored: Sequence[tuple[str, LoadedScope]], wanted: Wanted, after: str) -> list[str]:
        changed = {path: state for path, state in self._changed().items() if is_child(path, task) and path > after}
        found = {path for path, state in changed.items() if wanted(path, state)}
        for path, loaded in stored:
            if path not in changed and wanted(path, loaded.state):
                self._know(path, loaded)
                found.add(path)
        return sorted(found)

    def _collect(self, task: str, command: CollectItems, at: int) -> ItemsCollected:
        outputs = dict(self._stored.outputs(task, command.began)) if self._stored else {}
        for path, state in self._changed().items():
            if is_child(path, task) and state.get("began", 0) == command.began:
                index = state.get("locals", {}).get("index", 0)
                outputs[index] = state.get("outputs") if state.get("outcome") == "succeeded" else None
        listed = [outputs.get(index) for index in range(command.count)]
        error = too_large(listed)
        return ItemsCollected(
            task=command.task, attempt=command.attempt, outputs=None if error else listed, error=error, at=at
        )

    def _find(self, task: str, command: FindChildren, at: int) -> ChildrenFound:
        """As many as there is room for. Undoing them may be done at once, so all of them count as changed."""
        room = (WINDOW - self._written()) // command.weight
        scopes = self._undoable(task, max(room, 1))
        later = bool(scopes) and room < 1 and not command.first
        return ChildrenFound(task=command.task, scopes=[] if later else scopes, later=later, at=at)

    def _undoable(self, task: str, most: int) -> list[str]:
        """Those that ended well last and are not undone, oldest first.

        The database still has those as they were that this batch has undone: it is asked for so many more.
        """
        changed = {path: state for path, state in self._changed().items() if is_child(path, task)}
        stored = self._stored.undoable(task, most + len(changed)) if self._stored else ()
        left = [path for path in stored if path not in changed]
        fresh = [
            path
            for path, state in changed.items()
            if state["status"] == "settled" and state.get("outcome") == "succeeded" and not state.get("undone")
        ]
        fresh.sort(key=lambda path: (changed[path].get("finished_at", 0), len(path), path))
        return (left + fresh)[-most:]


def is_child(path: str, task: str) -> bool:
    """Whether a scope is an item or an iteration of the task at this path."""
    if not path.startswith(task):
        return False
    rest = path[len(task) :]
    if rest.startswith("[") and rest.endswith("]"):
        return KEY.fullmatch(rest[1:-1]) is not None
    return rest.startswith("#") and rest[1:].isdigit()


def _wanted(command: TellChildren) -> Wanted:
    """Those that live; for a retry those that did not end well, were not told otherwise and have not gone on in this round."""
    if command.what != "retry":
        return lambda _path, state: state["status"] != "settled"
    return lambda path, state: (
        state["status"] == "settled"
        and (state.get("outcome") != "succeeded" or bool(state.get("undone")))
        and state.get("round") != command.attempt
        and state.get("began", 0) == command.began
        and path not in command.besides
    )


def _told(command: TellChildren, at: int) -> Event:
    match command.what:
        case "cancel":
            return CancelRequested(by=command.by, reason=command.reason, at=at)
        case "resume":
            return ResumeRequested(by=command.by, at=at)
        case "retry":
            return RetryRequested(by=command.by, round=command.attempt, at=at)
