"""Which process did how much: tasks and batches leave a line in a file of the process that did them, in its state folder."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.faults.loads import Load


def perform(key: str, seconds: float) -> None:
    """A task: takes its time, then says that this process performed it."""
    time.sleep(seconds)
    _note("tasks", key)


def arm() -> None:
    """Have every batch that this process decides leave a line, and every sweep of the outbox: how much it was."""
    from engine.app.advance import Advancer
    from engine.app.relay import Relay

    advance, sweep = Advancer.advance, Relay.run_once

    def counted(self: Advancer, notifications: Sequence[Any], *rest: Any, **more: Any) -> Any:
        advanced = advance(self, notifications, *rest, **more)
        _note("events", str(len(notifications)))
        return advanced

    def swept(self: Relay) -> int:
        rows = sweep(self)
        if rows:
            _note("rows", str(rows))
        return rows

    Advancer.advance = counted  # type: ignore[method-assign]  # in the processes of this test
    Relay.run_once = swept  # type: ignore[method-assign]  # likewise


def sleepers(items: int, seconds: float, name: str = "sleepers") -> Load:
    """As many tasks side by side, which take their time without using a processor."""
    call = f'{{call: "tests.faults.shares:perform", args: {{key: "${{{{ instance.id }}}}/${{{{ item }}}}", seconds: {seconds}}}}}'
    each = f"{{for_each: {list(range(items))}, uses: python, with: {call}}}"
    return Load(name, f"name: {name}\ntasks:\n  each: {each}\n", items)


def by_process(state: Path, kind: str) -> Mapping[int, Sequence[str]]:
    """The lines of each process that has this state folder, by its id; a process without any has no entry."""
    return {int(path.suffix[1:]): path.read_text().split() for path in state.glob(f"{kind}.*")}


def amounts(state: Path, kind: str, pids: Collection[int]) -> list[int]:
    """How much each of these did."""
    lines = by_process(state, kind)
    return [sum(map(int, lines.get(pid, ()))) for pid in pids]


def fairness(counts: Collection[float]) -> float:
    """The smallest share over the largest: 1 is even, 0 means that somebody did nothing."""
    return min(counts) / max(counts) if counts else 0.0


def _note(kind: str, line: str) -> None:
    with Path(os.environ["HEADRACE_STATE_DIR"], f"{kind}.{os.getpid()}").open("a") as file:
        file.write(f"{line}\n")
