"""A process in the foreground: start its parts, wait for SIGTERM or SIGINT, stop them in order and in time."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event
from types import FrameType
from typing import Protocol

import structlog

GRACE = 25.0
"""Seconds from the signal to the end. Orchestrators kill after 30."""

RESERVE = 3.0
"""Seconds of them that are kept for each part that stops later."""

_log = structlog.get_logger(__name__)


class Part(Protocol):
    """What a process consists of."""

    def start(self) -> None: ...

    def stop(self, timeout: float) -> None:
        """Take nothing new, finish what is under way, and return after at most about `timeout` seconds."""
        ...


def run(parts: Sequence[Part], *, ready: Callable[[], None] = lambda: None, grace: float = GRACE) -> None:
    """Run until a signal comes; a second one ends the process at once. Call it from the main thread."""
    asked = Event()

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if asked.is_set():
            os._exit(128 + number)
        asked.set()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    started: list[Part] = []
    try:
        with _woken_by_signals() as woken:
            for part in parts:
                part.start()
                started.append(part)
            ready()
            while not asked.is_set():
                woken.recv(1)
        _log.info("stopping", grace=grace)
    finally:
        stop(started, grace=grace)
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _woken_by_signals() -> Iterator[socket.socket]:
    """Gets a byte for each signal. Python calls handlers in the main thread once that is awake: asleep on a lock, it never learns
    of a signal that came just before it fell asleep, or to another thread."""
    reader, writer = socket.socketpair()
    with reader, writer:
        writer.setblocking(False)
        before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        try:
            yield reader
        finally:
            signal.set_wakeup_fd(before)


def stop(parts: Sequence[Part], *, grace: float = GRACE) -> None:
    """Stop the parts in the order given: those that feed others come first."""
    deadline = time.monotonic() + grace
    for later, part in zip(range(len(parts) - 1, -1, -1), parts, strict=True):
        part.stop(max(1.0, deadline - time.monotonic() - RESERVE * later))
