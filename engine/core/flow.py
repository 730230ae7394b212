"""From a task that ended to the tasks that listen for it, and so on until nothing more can start."""

from __future__ import annotations

from engine.core import cancel, exits
from engine.core.begin import begin
from engine.core.joins import join, skip_reason
from engine.core.model import Task
from engine.core.settle import settle
from engine.core.turn import Turn


def flow(turn: Turn) -> None:
    """Decide the joins that the ended tasks touch, breadth first, then end the scope if that was all."""
    tasks, followers, runs = turn.list.tasks, turn.list.followers, turn.runs
    for ended in turn.ended:  # grows while tasks end at once: skipped, failed in an expression, `values`
        for name in followers.get(ended, ()):
            exits.fail_fast(turn)  # before anything else starts
            if name not in runs:
                consider(turn, tasks[name])
    exits.fail_fast(turn)  # what it ends nobody waits for
    turn.ended.clear()
    settle(turn)


def consider(turn: Turn, task: Task) -> None:
    """Decide the join of a pending task, if that can be done."""
    verdict = join(task, turn.list.tasks, turn.runs) if task.edges else True
    if verdict:
        if task.cancel_rest:
            cancel.rest(turn, task)
        begin(turn, task)
    elif verdict is False:
        turn.skip(task.id, skip_reason(task, turn.list.tasks, turn.runs))


def consider_all(turn: Turn) -> None:
    """Decide the joins of all pending tasks, where some were set back to pending."""
    for name, task in turn.list.tasks.items():
        exits.fail_fast(turn)  # some end at once
        if name not in turn.runs:
            consider(turn, task)
