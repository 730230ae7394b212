"""One event on its way through a scope: the state as far as it was copied and changed, and the commands so far."""

from __future__ import annotations

from engine.core import children
from engine.core.commands import CancelTask, CloseApproval, Command, KeepOutputs, ReleaseSlot, StopAwaiting
from engine.core.context import Context
from engine.core.keys import task_path
from engine.core.model import Definition, Task
from engine.core.outcomes import CANCELLED, FAILED, SKIPPED, SUCCEEDED, is_positive
from engine.core.references import references
from engine.core.state import ScopeState, SkipReason, TaskError, TaskRun
from engine.core.values import Json

CHECK_AFTER = 20_000
"""Milliseconds until somebody looks whether what was asked for was ever taken up."""


class Turn:
    """What the rules of one `decide` work on. It lives for one event and is the only thing in the core that changes.

    The scope's state and its map of tasks are copied when the turn starts; a task's run is never changed in place but
    replaced through `put`, so what the caller gave stays as it was.
    """

    __slots__ = ("at", "commands", "context", "definition", "ended", "list", "runs", "state")

    def __init__(self, definition: Definition, state: ScopeState, context: Context, at: int) -> None:
        self.definition = definition
        self.context = context
        self.list = definition.task_list(context.scope)
        self.at = max(state["at"], at)
        self.state = state.copy()
        self.state["at"] = self.at
        self.runs = self.state["tasks"] = state["tasks"].copy()
        self.commands: list[Command] = []
        self.ended: list[str] = []
        """Tasks whose followers have not been looked at yet."""

    @property
    def instance(self) -> str:
        """The instance's id."""
        found: str = self.context.instance["id"]
        return found

    @property
    def cancelling(self) -> bool:
        """Whether the scope starts nothing new any more."""
        return self.state["status"] == "cancelling"

    @property
    def paused(self) -> bool:
        """Whether the instance starts nothing new until it is resumed."""
        return "paused" in (self.context.outer[-1] if self.context.outer else self.state)

    @property
    def reopened(self) -> bool:
        """Whether the scope has been run before, so that scopes below it may be there already."""
        return "runs" in self.state or "carried" in self.state

    def is_stopping(self, run: TaskRun) -> bool:
        """Whether what this run still does is not wanted any more: nothing follows but its end."""
        return self.cancelling or "called_off" in run or "by" in run

    def path(self, task: str) -> str:
        """The path of a task of this scope."""
        return task_path(self.context.scope, task)

    def put(self, task: str, run: TaskRun) -> None:
        """Replace a task's run. One that starts to wait gives its slot back, unless it is to hold it."""
        if "group" in run and run["state"] == "waiting" and "gate" not in run:
            owner = self.list.tasks[task]
            if owner.body is None and not (owner.concurrency and owner.concurrency.hold_while_waiting):
                run = run.copy()
                self.let_go(task, run)
        self.runs[task] = run

    def let_go(self, task: str, run: TaskRun) -> None:
        """Give back the slot that a run has or waits for. `run` is a copy, and changed."""
        if "group" in run:
            self.order(ReleaseSlot(group=run.pop("group"), task=task))

    def order(self, command: Command) -> None:
        """Add a command."""
        self.commands.append(command)

    def end(
        self, task: str, run: TaskRun, outcome: str, *, outputs: Json = None, error: TaskError | None = None
    ) -> None:
        """Settle a task for good. `error` replaces that of an earlier attempt; only a failed or cancelled task keeps one."""
        ended = run.copy()
        told = "called_off" in run or ("by" in run and "cancel" in run.get("timers", {}))
        if outcome == FAILED and told:
            outcome = CANCELLED  # it was told to stop: that it failed over it says nothing
        ended["state"] = outcome
        ended["finished_at"] = self.at
        for name in _OF_ACTIVE if self.list.tasks[task].body is None else _OF_ACTIVE_WITH_SCOPES:
            ended.pop(name, None)  # type: ignore[misc] # names of keys that need not be there
        if error is not None:
            ended["error"] = error
        elif outcome not in _KEEP_ERROR:
            ended.pop("error", None)
        if is_positive(outcome):
            ended.pop("afresh", None)
        if outputs is not None:
            ended["outputs"] = outputs
        if "approval" in run:
            self.order(CloseApproval(path=self.path(task), attempt=run["attempt"], outcome=outcome))
        if "waits_for" in run:
            self.order(StopAwaiting(path=self.path(task), attempt=run["attempt"]))
        self.let_go(task, ended)
        if outcome == SUCCEEDED and "cache_key" in run and "cached" not in run and not references(outputs):
            self.order(KeepOutputs(path=self.path(task), key=run["cache_key"], outputs=outputs))
        self.runs[task] = ended
        self.ended.append(task)

    def skip(self, task: str, reason: SkipReason) -> None:
        """Settle a pending task that will not run."""
        carried = self.state.get("carried", {}).get(task)
        attempt = carried["attempt"] if carried else 0
        self.runs[task] = {"state": SKIPPED, "attempt": attempt, "finished_at": self.at, "skipped": reason}
        self.ended.append(task)

    def call_off(self, task: Task, run: TaskRun) -> None:
        """Tell whoever runs the attempt to stop; only a hint, as its completion will be fenced."""
        if children.is_out(task, run):
            self.commands.extend(children.stopping(self.context, self.state, task, run))
        elif run["state"] != "waiting" and "gate" not in run and task.body is None:
            path = self.path(task.id)
            self.order(CancelTask(instance=self.instance, path=path, attempt=run["attempt"], queue=task.queue))


_KEEP_ERROR = frozenset({FAILED, CANCELLED})
_OF_ACTIVE_WITH_SCOPES = ("timers", "held", "gate", "queued_at", "waits_for", "telling")
_OF_ACTIVE = ("unseen", *_OF_ACTIVE_WITH_SCOPES)
"""What only a run that has not ended has. What one with scopes never saw it is not to see in a retry either: it goes on."""
