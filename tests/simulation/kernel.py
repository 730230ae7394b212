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


def _never() -> int | None:
    return None


class Process:
    """What dies as one. `frozen_until` in ticks: it is stopped, as by SIGSTOP, and time goes on.

    `horizon` says when those of it that look again and again will next find something, in ticks; None for never.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.frozen_until = 0
        self.horizon: Callable[[], int | None] = _never
        self.tasks: dict[Task, None] = {}
        self.ended: list[Callable[[], object]] = []
        """Who hears of its end."""

    def __repr__(self) -> str:
        return self.name


class Task:
    """A thread of a process. `epoch` counts its turns, so that what was to wake it earlier is known as stale."""

    __slots__ = ("carrier", "done", "epoch", "name", "process", "work")

    def __init__(self, process: Process, work: Callable[[], object], name: str) -> None:
        self.process = process
        self.work = work
        self.name = name
        self.epoch = 0
        self.done = False
        self.carrier: Carrier | None = None
        """What it runs on once it has begun."""


class Carrier(greenlet):
    """Carries out one task after the other: a new greenlet for each would cost as much as some turns."""

    task: Task | None = None

    def run(self) -> None:
        """Until the end of the program: between two tasks it waits among the idle ones."""
        while self.task is not None:
            try:
                self.task.work()
            except Crashed:
                pass
            finally:
                self.task.done = True
                self.task.carrier = None
                self.task.process.tasks.pop(self.task, None)
                self.task = None
            _idle.append(self)
            self.parent.switch()


_idle: list[Carrier] = []

Entry = tuple[int, int, Task, int, bool]
"""When, a number, whose turn, its epoch, and whether it only looks again and again."""

_current: list[Kernel] = []


def running() -> Kernel:
    """The kernel whose run this is."""
    return _current[-1]


class Kernel:
    """Time and turns."""

    def __init__(self, random: Random, start: int) -> None:
        self.random = random
        self.start = start * MS
        self.now = self.start
        self.hub = getcurrent()
        self.turns = 0
        self.errors: list[str] = []
        """What the engine logged as an error that it did not foresee."""
        self.lines: list[str] = []
        self.keep = LAST
        self._digest = hashlib.blake2b(digest_size=12)
        self._entries: list[Entry] = []
        self._until = self.now
        self._count = 0
        self._parked: list[tuple[int, Task, int]] = []
        """Who would look and find nothing."""
        self._ahead: int | None = None
        """When the first of them will find something, unless that has changed."""
        self._changed = True
        self._task: Task | None = None
        """Whose turn it is; None outside of all tasks."""
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
        who = "world" if self._task is None else self._task.process.name
        line = f"{(self.now - self.start) / SECOND:10.6f} {who}: {what}"
        self._digest.update(line.encode())
        self.lines.append(line)
        if len(self.lines) > 2 * self.keep:
            del self.lines[: -self.keep]

    def drawn(self, below: int) -> int:
        """A random number from 0 on. That of `randrange` is fair to the last bit, and takes six times as long."""
        return int(self.random.random() * below)

    def spawn(self, process: Process, work: Callable[[], object], name: str = "") -> Task:
        """A new thread of a process."""
        task = Task(process, work, name)
        if process.alive:
            self._processes[process] = None
            process.tasks[task] = None
            self._push(self.now + self.drawn(50), task)
        else:
            task.done = True
        return task

    def sleep(self, ticks: int) -> None:
        """Let others take their turns for so long. Raises Crashed."""
        self.wait(ticks)

    def wait(self, timeout: int | None, *, polls: bool = False) -> None:
        """Until `wake`, or so many ticks have passed. Raises Crashed."""
        task = self.task()
        if not task.process.alive:
            raise Crashed
        if timeout is not None:
            at = self.now + timeout if timeout > 0 else self.now
            if not polls and self._is_next(task, at):
                self._begin_turn(task, at)
                return
            self._push(at, task, polls=polls)
        self._hand_over(task)

    def wake(self, task: Task) -> None:
        """Its turn comes soon."""
        if not task.done:
            self._push(self.now + self.drawn(20), task)

    def changed(self) -> None:
        """Those who look again and again may find something at another time than before."""
        self._changed = True

    def task(self) -> Task:
        """Whose turn it is."""
        if self._task is None:
            raise TypeError("not a task of this kernel")
        return self._task

    def kill(self, process: Process) -> None:
        """The process dies now; a task of its own learns of it by Crashed at its next wait."""
        process.alive = False
        self._dead += process.tasks
        process.tasks = {}
        for hear in process.ended:
            hear()

    def run(self, until: int) -> None:
        """Give turns until that time is past, or nothing is left to happen. Raises Endless."""
        self._until = until
        with self.current():
            while self.now <= until:
                self._bury()
                task = self._next()
                if task is None:
                    return
                while task is not None:
                    if self.turns > MOST_TURNS:
                        raise Endless("it does not come to rest")
                    task = self._give_turn(task)

    def close(self) -> None:
        """End every task, also those that wait for nothing that will come: what a suspended one refers to is never collected."""
        with self.current():
            for process in self._processes:
                process.alive = False
                self._dead += process.tasks
            self._bury()

    def _next(self) -> Task | None:
        """Begin the next turn, and say whose it is."""
        entries = self._entries
        while True:
            if self._parked:
                self._unpark()
            if not entries:
                return None
            at, _, task, epoch, polls = heappop(entries)
            if task.epoch != epoch or task.done:
                continue
            if polls and not _finds(task, at):
                self._parked.append((at, task, epoch))
                self._changed = True
            elif task.process.frozen_until > at:
                self._push(task.process.frozen_until, task, polls=polls)
            else:
                self._begin_turn(task, at)
                return task

    def _give_turn(self, task: Task) -> Task | None:
        """From outside of all tasks, until nobody can go on from there; gives back whose turn it is if that one has to be begun first."""
        carrier = task.carrier
        if carrier is None:
            carrier = task.carrier = _idle.pop() if _idle else Carrier()
            carrier.parent = self.hub
            carrier.task = task
        self._task = task
        following: Task | None = carrier.switch() or None
        self._task = None
        return following

    def _begin_turn(self, task: Task, at: int) -> None:
        self.now = max(self.now, at)
        self.turns += 1
        task.epoch += 1

    def _is_next(self, task: Task, at: int) -> bool:
        """Whether nothing happens until a task's own next turn: then it goes on without giving way to anybody, which costs half."""
        entries = self._entries
        if (entries and entries[0][0] <= at) or self._dead or task.process.frozen_until > at:
            return False
        if at > self._until or self.turns >= MOST_TURNS:
            return False
        if not self._parked:
            return True
        if self._changed:
            self._look_ahead()
        return self._ahead is None or self._ahead > at

    def _unpark(self) -> None:
        """Let those who poll look when there will be something to see, and not before: waiting costs no time here."""
        while self._parked:
            if self._changed:
                self._look_ahead()
            ahead = self._ahead
            if ahead is None or (self._entries and self._entries[0][0] < ahead):
                return
            parked, self._parked, self._changed = self._parked, [], True
            for at, task, epoch in parked:
                if _finds(task, ahead):
                    self._push(max(at, ahead, self.now), task, polls=True)
                else:
                    self._parked.append((at, task, epoch))

    def _look_ahead(self) -> None:
        self._parked = [one for one in self._parked if one[1].epoch == one[2] and not one[1].done]
        due = (task.process.horizon() for _, task, _ in self._parked)
        self._ahead = min((at for at in due if at is not None), default=None)
        self._changed = False

    def _push(self, at: int, task: Task, *, polls: bool = False) -> None:
        self._count += 1
        heappush(self._entries, (at, self._count, task, task.epoch, polls))

    def _hand_over(self, task: Task) -> None:
        """Let whoever comes next go on, straight from here if that is possible: by way of the hub costs twice."""
        if self._dead or self.now > self._until or self.turns >= MOST_TURNS:
            self.hub.switch()
        else:
            following = self._next()
            if following is not task:
                carrier = None if following is None else following.carrier
                if carrier is None:  # a greenlet that began from here would begin as deep as this one is
                    self.hub.switch(following)
                else:
                    self._task = following
                    carrier.switch()
        if not task.process.alive:
            raise Crashed

    def _bury(self) -> None:
        while self._dead:
            task = self._dead.pop()
            if task.carrier is not None:
                task.epoch += 1
                self._task = task
                task.carrier.throw(Crashed)
                self._task = None
            task.done = True


def _finds(task: Task, at: int) -> bool:
    """Whether who looks again and again will find something then."""
    ahead = task.process.horizon()
    return ahead is not None and ahead <= at
