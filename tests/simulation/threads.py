"""What the workers take from `threading`, `queue` and `time`, on virtual time: whoever waits lets other tasks have their turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from queue import Empty
from typing import Any

from tests.simulation.kernel import SECOND, Task, running


class Event:
    """`threading.Event`."""

    polls = False

    def __init__(self) -> None:
        self._set = False
        self._waiters: list[Task] = []

    def is_set(self) -> bool:
        return self._set

    def set(self) -> None:
        self._set = True
        waiters, self._waiters = self._waiters, []
        for task in waiters:
            running().wake(task)

    def clear(self) -> None:
        self._set = False

    def wait(self, timeout: float | None = None) -> bool:
        kernel = running()
        until = None if timeout is None else kernel.now + int(timeout * SECOND)
        while not self._set and (until is None or kernel.now < until):
            self._waiters.append(kernel.task())
            kernel.wait(None if until is None else until - kernel.now, polls=self.polls)
        return self._set


class IdleEvent(Event):
    """What loops sleep on between two rounds: that somebody looks again is nothing that happens."""

    polls = True


class Lock:
    """`threading.Lock`."""

    def __init__(self) -> None:
        self._held = False
        self._waiters: deque[Task] = deque()

    def acquire(self) -> bool:
        kernel = running()
        while self._held:
            self._waiters.append(kernel.task())
            kernel.wait(None)
        self._held = True
        return True

    def release(self) -> None:
        self._held = False
        while self._waiters:
            task = self._waiters.popleft()
            if not task.done:
                running().wake(task)
                return

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class Condition:
    """What is used of `threading.Condition`. Its lock needs none here: nobody waits within it but on it."""

    def __init__(self, _lock: object = None) -> None:
        self._changed = Event()

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass

    def notify(self) -> None:
        self._changed.set()

    notify_all = notify

    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        until = None if timeout is None else running().now + int(timeout * SECOND)
        while not predicate() and (until is None or running().now < until):
            self._changed.clear()
            self._changed.wait(None if until is None else (until - running().now) / SECOND)
        return predicate()


class SimpleQueue:
    """`queue.SimpleQueue`."""

    def __init__(self) -> None:
        self._items: deque[Any] = deque()
        self._filled = Event()

    def put(self, item: Any) -> None:
        self._items.append(item)
        self._filled.set()

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        until = None if timeout is None else running().now + int(timeout * SECOND)
        while not self._items:
            if not block or (until is not None and running().now >= until):
                raise Empty
            self._filled.clear()
            self._filled.wait(None if until is None else (until - running().now) / SECOND)
        return self._items.popleft()

    def get_nowait(self) -> Any:
        return self.get(block=False)


class Thread:
    """`threading.Thread`, of the process whose turn it is when it starts."""

    def __init__(self, target: Callable[[], object], name: str = "", daemon: bool = True) -> None:  # noqa: ARG002 - as the port has it
        self._target = target
        self._name = name
        self._task: Task | None = None
        self._ended = Event()

    def start(self) -> None:
        kernel = running()
        self._task = kernel.spawn(kernel.task().process, self._run, self._name)

    def is_alive(self) -> bool:
        return self._task is not None and not self._task.done

    def join(self, timeout: float | None = None) -> None:
        if self._task is not None:
            self._ended.wait(timeout)

    def _run(self) -> None:
        try:
            self._target()
        finally:
            del self._target  # as `threading.Thread` does: what has the thread would be kept by it
        self._ended.set()


class Timer:
    """`threading.Timer`."""

    daemon = True

    def __init__(self, interval: float, function: Callable[[], object]) -> None:
        self._interval = interval
        self._function = function

    def start(self) -> None:
        kernel = running()
        kernel.spawn(kernel.task().process, self._run, "timer")

    def _run(self) -> None:
        running().sleep(int(self._interval * SECOND))
        self._function()


class Untold:
    """The module `traceback`, where it writes for a log that nobody reads: that takes as long as ten tasks."""

    @staticmethod
    def format_exception(_error: Exception) -> list[str]:
        return []


class Time:
    """The module `time`."""

    @staticmethod
    def monotonic() -> float:
        return running().now / SECOND

    @staticmethod
    def time() -> float:
        return running().now / SECOND

    @staticmethod
    def sleep(seconds: float) -> None:
        running().sleep(int(seconds * SECOND))
