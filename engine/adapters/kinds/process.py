"""Stays with a child process until it and all of its own children are gone, carrying what they print to the task's log."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import IO, Literal

from engine.app.kinds import Call

GLANCE = 0.1
"""Seconds between two looks at the clock and the stop signal."""
GRACE = 5.0
"""Seconds between TERM and KILL."""
DRAIN = 0.5
"""Seconds for which output is still read when the process has ended and somebody else holds its pipes open."""
MAX_LINE = 64 * 1024
"""Bytes of a line that are kept while its end has not come; the rest of the line is dropped."""
LAST_LINES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a process ended. `code` is negative for a signal; `why` says whether it was us who ended it."""

    code: int
    why: Literal["exit", "timeout", "stopped"]
    last_lines: list[str]


def attend(process: subprocess.Popen[bytes], call: Call) -> Ending:
    """Wait for the end of a process that leads its own session, and leave nothing of its group alive.

    On `call.timeout` and `call.stop` the whole group gets TERM, and KILL after 5 s.
    """
    last: deque[str] = deque(maxlen=LAST_LINES)
    until = monotonic() + call.timeout / 1000 if call.timeout is not None else None
    with process, selectors.DefaultSelector() as selector:
        try:
            _watch(selector, process, call, last)
            why = _follow(selector, process, call, until)
        finally:
            # Also after a normal end: a child left in the background would outlive its task unseen.
            _signal(process, signal.SIGKILL)
        _drain(selector, DRAIN)
        for key in list(selector.get_map().values()):
            key.data.close()
    call.log.flush()
    return Ending(code=process.returncode, why=why, last_lines=list(last))


def _watch(selector: selectors.BaseSelector, process: subprocess.Popen[bytes], call: Call, last: deque[str]) -> None:
    for name, pipe in (("stdout", process.stdout), ("stderr", process.stderr)):
        if pipe is not None:
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe, selectors.EVENT_READ, _Lines(pipe, _writer(call, name, last)))


def _writer(call: Call, stream: str, last: deque[str]) -> Callable[[str], None]:
    def write(line: str) -> None:
        last.append(line)
        call.log.line(stream, line)

    return write


def _follow(
    selector: selectors.BaseSelector, process: subprocess.Popen[bytes], call: Call, until: float | None
) -> Literal["exit", "timeout", "stopped"]:
    why: Literal["exit", "timeout", "stopped"] = "exit"
    kill_at: float | None = None
    while process.poll() is None:
        if selector.get_map():
            _drain(selector, 0, GLANCE)
        else:
            with suppress(subprocess.TimeoutExpired):
                process.wait(GLANCE)
        call.log.flush()
        now = monotonic()
        if kill_at is None and (call.stop.is_set() or (until is not None and now >= until)):
            why = "stopped" if call.stop.is_set() else "timeout"
            kill_at = now + GRACE
            _signal(process, signal.SIGTERM)
        elif kill_at is not None and now >= kill_at:
            _signal(process, signal.SIGKILL)
    return why


def _drain(selector: selectors.BaseSelector, seconds: float, wait: float = 0.0) -> None:
    """Read what has been printed; until the pipes are closed, for at most so many seconds."""
    until = monotonic() + seconds
    while selector.get_map():
        for key, _ in selector.select(wait or max(0.0, until - monotonic())):
            if not key.data.read():
                selector.unregister(key.fileobj)
        if monotonic() >= until:
            return


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


class _Lines:
    """Cuts the bytes of one pipe into lines."""

    def __init__(self, pipe: IO[bytes], write: Callable[[str], None]) -> None:
        self._pipe = pipe
        self._write = write
        self._rest = b""
        self._skipping = False

    def read(self) -> bool:
        """Take what is there. False at the end of the pipe."""
        try:
            chunk = os.read(self._pipe.fileno(), 65_536)
        except BlockingIOError:
            return True
        if not chunk:
            self.close()
            return False
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._line(line)
        if len(self._rest) > MAX_LINE:
            self._line(self._rest)
            self._rest, self._skipping = b"", True
        return True

    def close(self) -> None:
        """The last line may have no end."""
        if self._rest:
            self._line(self._rest)
            self._rest = b""

    def _line(self, line: bytes) -> None:
        if not self._skipping:
            self._write(line[:MAX_LINE].removesuffix(b"\r").decode("utf-8", "replace"))
        self._skipping = False
