"""From a task that ended to the tasks that listen for it, and so on until nothing more can start."""

from __future__ import annotations

from engine.core.begin import begin
from engine.core.joins import join, skip_reason
from engine.core.settle import settle
from engine.core.turn import Turn


def flow(turn: Turn) -> None:
    """Decide the joins that the ended tasks touch, breadth first, then end the scope if that was all."""
    tasks, followers, runs = turn.list.tasks, turn.list.followers, turn.runs
    for ended in turn.ended:  # grows while tasks end at once: skipped, failed in an expression, `values`
        for name in followers.get(ended, ()):
            if name in runs:
                continue
            task = tasks[name]
            verdict = join(task, runs)
            if verdict:
                begin(turn, task)
            elif verdict is False:
                turn.skip(name, skip_reason(task, runs))
    turn.ended.clear()
    settle(turn)
