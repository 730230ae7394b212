"""A virtual machine room on one real thread: tasks that hand over at every wait, processes that die, stop and come back.

Which task goes on next follows from the virtual time alone, and that from the seed: the same seed gives the same run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from random import Random

from greenlet import getcurrent, greenlet

MS = 1_000
"""Ticks in a millisecond: a tick is a microsecond."""
SECOND = 1_000 * MS
MOST_TURNS = 100_000
"""Turns of tasks after which a run counts as one that never comes to rest."""
LAST = 60
"""Lines of the trace that are kept to be shown."""


class Crashed(BaseException):
    """The process is gone. Passes through everything that handles errors."""


class Endless(Exception):
    """The run does not come to rest."""


class Process:
    """What dies as one. `frozen_until` in ticks: it is stopped, as by SIGSTOP, and time goes on."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.frozen_until = 0
        self.tasks: dict[Task, None] = {}
        self.ended: list[Callable[[], None]] = []
        """Who hears of its end."""

    def __repr__(self) -> str:
        return self.name


class Task(greenlet):
    """A thread of a process. `epoch` counts its turns, so that what was to wake it earlier is known as stale."""

    def __init__(self, kernel: Kernel, process: Process, work: Callable[[], object], name: str) -> None:
        super().__init__(self._work, kernel.hub)
        self.kernel = kernel
        self.process = process
        self.name = name
        self.epoch = 0
        self.done = False
        self._doing = work

    def _work(self) -> None:
        try:
            self._doing()
        except Crashed:
            pass
        finally:
            self.done = True
            self.process.tasks.pop(self, None)


Entry = tuple[int, int, Task, int, bool]
"""When, a number, whose turn, its epoch, and whether it only looks again and again."""

_current: list[Kernel] = []


def running() -> Kernel:
    """The kernel whose run this is."""
    return _current[-1]


class Kernel:
    """Time and turns. `horizon` says when those who poll will next find something, in ticks; None for never."""

    def __init__(self, random: Random, start: int) -> None:
        self.random = random
        self.start = start * MS
        self.now = self.start
        self.hub = getcurrent()
        self.turns = 0
        self.horizon: Callable[[], int | None] = lambda: None
        self.errors: list[str] = []
        """What the engine logged as an error that it did not foresee."""
        self.lines: list[str] = []
        self.keep = LAST
        self._digest = hashlib.blake2b(digest_size=12)
        self._entries: list[Entry] = []
        self._count = 0
        self._parked: list[tuple[int, Task, int]] = []
        self._dead: list[Task] = []
        self._processes: dict[Process, None] = {}

    @contextmanager
    def current(self) -> Iterator[None]:
        """What runs within asks this kernel for the time."""
        _current.append(self)
        try:
            yield
        finally:
            _current.pop()

    @property
    def ms(self) -> int:
        """The time in milliseconds."""
        return self.now // MS

    @property
    def trace(self) -> str:
        """The hash of all that was noted."""
        return self._digest.hexdigest()

    def note(self, what: str) -> None:
        """Something that happened, for the trace."""
        task = getcurrent()
        who = task.process.name if isinstance(task, Task) else "world"
        line = f"{(self.now - self.start) / SECOND:10.6f} {who}: {what}"
        self._digest.update(line.encode())
        self.lines.append(line)
        if len(self.lines) > 2 * self.keep:
            del self.lines[: -self.keep]

    def spawn(self, process: Process, work: Callable[[], object], name: str = "") -> Task:
        """A new thread of a process."""
        task = Task(self, process, work, name)
        if process.alive:
            self._processes[process] = None
            process.tasks[task] = None
            self._push(self.now + self.random.randrange(50), task)
        else:
            task.done = True
        return task

    def sleep(self, ticks: int, *, polls: bool = False) -> None:
        """Let others take their turns for so long. Raises Crashed."""
        task = self.task()
        self._push(self.now + max(ticks, 0), task, polls=polls)
        self._hand_over(task)

    def wait(self, timeout: int | None, *, polls: bool = False) -> None:
        """Until `wake`, or so many ticks have passed. Raises Crashed."""
        task = self.task()
        if timeout is not None:
            self._push(self.now + max(timeout, 0), task, polls=polls)
        self._hand_over(task)

    def wake(self, task: Task) -> None:
        """Its turn comes soon."""
        if not task.done:
            self._push(self.now + self.random.randrange(20), task)

    def task(self) -> Task:
        """Whose turn it is."""
        task = getcurrent()
        if not isinstance(task, Task):
            raise TypeError("not a task of this kernel")
        return task

    def kill(self, process: Process) -> None:
        """The process dies now; a task of its own learns of it by Crashed at its next wait."""
        process.alive = False
        self._dead += process.tasks
        process.tasks = {}
        for hear in process.ended:
            hear()

    def run(self, until: Callable[[], bool]) -> None:
        """Give turns until that is so, or nothing is left to happen. Raises Endless."""
        with self.current():
            while not until():
                self._bury()
                if not self._turn():
                    return

    def close(self) -> None:
        """End every task, also those that wait for nothing that will come: what a suspended one refers to is never collected."""
        with self.current():
            for process in self._processes:
                process.alive = False
                self._dead += process.tasks
            self._bury()

    def _turn(self) -> bool:
        while self._unpark() or self._entries:
            at, _, task, epoch, polls = heappop(self._entries)
            if task.epoch != epoch or task.done:
                continue
            if polls and not self._worth_looking(at):
                self._parked.append((at, task, epoch))
                continue
            if task.process.frozen_until > at:
                self._push(task.process.frozen_until, task, polls=polls)
                continue
            self.now = max(self.now, at)
            self.turns += 1
            if self.turns > MOST_TURNS:
                raise Endless("it does not come to rest")
            task.epoch += 1
            task.switch()
            return True
        return False

    def _worth_looking(self, at: int) -> bool:
        """Whether somebody who looks again and again will find anything now."""
        ahead = self.horizon()
        return ahead is not None and ahead <= at

    def _unpark(self) -> bool:
        """Let those who poll look when there will be something to see, and not before: waiting costs no time here."""
        ahead = self.horizon() if self._parked else None
        if ahead is None or (self._entries and self._entries[0][0] < ahead):
            return False
        parked, self._parked = self._parked, []
        for at, task, epoch in parked:
            if task.epoch == epoch:
                self._push(max(at, ahead, self.now), task, polls=True)
        return True

    def _push(self, at: int, task: Task, *, polls: bool = False) -> None:
        self._count += 1
        heappush(self._entries, (at, self._count, task, task.epoch, polls))

    def _hand_over(self, task: Task) -> None:
        if not task.process.alive:
            raise Crashed
        self.hub.switch()
        if not task.process.alive:
            raise Crashed

    def _bury(self) -> None:
        while self._dead:
            task = self._dead.pop()
            if task:
                task.epoch += 1
                task.throw(Crashed)
            task.done = True
