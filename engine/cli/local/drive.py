"""Takes one run to its end: shows it, has what it asks answered, and ends it early where somebody or the clock wants that."""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from types import FrameType
from typing import Protocol

from engine.app.records import LogLine, Outgoing
from engine.cli.local.engine import LocalEngine
from engine.cli.local.out import Line
from engine.cli.local.printable import line, lines, short
from engine.cli.local.progress import Progress, Tails
from engine.cli.local.watch import Look, Watch

TICK = 0.1
"""Seconds between two looks at the run."""
LONGEST = 200
"""Characters of a message's subject that are shown."""
MOST_LINES = 30
"""Lines of its text."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Answers(Protocol):
    """Answers what the run asks of the world."""

    def tend(self) -> list[Line]:
        """Answer what can be answered now; returns what there is to say."""
        ...

    def stuck(self) -> list[str]:
        """What the run waits for and will not get."""
        ...


class Interrupts:
    """Signals to stop: the first asks the run to end, the second stops it at once, the third does not even clean up."""

    def __init__(self) -> None:
        self.count = 0
        self.name = ""
        self.before_leaving: Callable[[], None] = lambda: None
        """What even the third does."""

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Hear them for as long as the block lasts. From the main thread only."""
        before = {number: signal.signal(number, self._on_signal) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.count += 1
        self.name = signal.Signals(number).name
        if self.count > 2:  # noqa: PLR2004 - see the class
            self.before_leaving()
            os._exit(128 + number)


class StopNow(Exception):
    """The run is not waited for any longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How it ended: the last look, and what it waited for in vain."""

    look: Look
    waited_for: Sequence[str] = ()


class Drive:
    """One run. Everything happens in the thread that calls `to_the_end`."""

    def __init__(self, engine: LocalEngine, watch: Watch, interrupts: Interrupts, *, timeout: float | None) -> None:
        self._engine = engine
        self._watch = watch
        self._interrupts = interrupts
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._cancelled = False
        self._waited_for: list[str] = []

    @property
    def ending(self) -> bool:
        """Whether somebody, or the clock, wants it to end."""
        return self._interrupts.count > 0 or (self._deadline is not None and time.monotonic() > self._deadline)

    def to_the_end(self, progress: Progress, answers: Answers, heard: Heard) -> Ended:
        """Go on until nothing goes on any more. Raises StopNow."""
        while True:
            look = self._watch.look()
            progress.update(look, heard.take())
            if look.over:
                progress.say(*heard.said())
                return Ended(look=look, waited_for=self._waited_for)
            progress.say(*heard.said(), *answers.tend(), *self._early(answers))
            self._engine.broker.signals.wait(look.run.instance.id, TICK)

    def _early(self, answers: Answers) -> Iterator[Line]:
        """Have it end before its time, if that is wanted."""
        if self._interrupts.count > 1:
            raise StopNow
        if self._interrupts.count and not self._cancelled:
            again = "Ctrl-C again stops at once" if self._interrupts.name == "SIGINT" else "once more stops at once"
            yield ((f"cancelling: what runs is stopped, `finally` still runs ({again})", "bold"),)
            self._cancel(f"{self._interrupts.name} at the terminal")
        elif self._deadline is not None and time.monotonic() > self._deadline and not self._cancelled:
            yield (("cancelling: the time of --timeout is over", "bold"),)
            self._cancel("the time of --timeout is over")
        else:
            yield from self._give_up(answers.stuck())

    def _give_up(self, waited_for: Sequence[str]) -> Iterator[Line]:
        if not waited_for:
            return
        for each in waited_for:
            yield ((each, "wait"),)
        if self._waited_for:  # even what runs after being cancelled waits for somebody
            raise StopNow
        self._waited_for = list(waited_for)
        if not self._cancelled:
            yield (("cancelling: nobody is there to answer", "bold"),)
        self._cancel("nobody was there to answer")

    def _cancel(self, reason: str) -> None:
        self._cancelled = True
        for instance in self._watch.live():
            self._engine.canceller.cancel_once(instance.id, by="headrace run", reason=reason)


class Heard:
    """What tasks have printed and told people since somebody last looked. Safe to share between threads."""

    def __init__(self, tails: Tails) -> None:
        self._tails = tails
        self._lines: deque[LogLine] = deque()
        self._said: list[Line] = []
        self._lock = Lock()

    def add(self, lines: Sequence[LogLine]) -> None:
        """They were printed."""
        with self._lock:
            self._lines.extend(lines)

    def take(self) -> list[LogLine]:
        """Those that are new."""
        with self._lock:
            lines = list(self._lines)
            self._lines.clear()
        self._tails.add(lines)
        return lines

    def tell(self, to: str, message: Outgoing, sent: bool) -> None:
        """A message to people."""
        how = "message to" if sent else "message, not sent, to"
        said: list[Line] = [((f"{how} {line(to) or 'the log'}: {short(message.subject, LONGEST)}", "bold"),)]
        said += [((f"  | {each}", ""),) for each in lines(message.text)[:MOST_LINES]]
        with self._lock:
            self._said += said

    def write(self, text: str) -> None:
        """What the engine logs: a stream's method."""
        with self._lock:
            self._said += [((each, "calm"),) for each in lines(text) if each]

    def flush(self) -> None:
        """A stream's method."""

    def said(self) -> list[Line]:
        """What there is to say of messages, and of the engine."""
        with self._lock:
            said, self._said = self._said, []
        return said
