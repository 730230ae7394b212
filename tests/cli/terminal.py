"""A terminal with a program in it: a pty, and what would be seen on its screen."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time
from contextlib import contextmanager
from pathlib import Path

from tests.cli.running import HEADRACE, PATIENCE, environment

PART = re.compile(r"\x1b\[(?P<given>[?0-9;]*)(?P<final>[A-Za-z])|\x1b|[\r\n]|[^\x1b\r\n]+")


class Screen:
    """Understands what `headrace run` may write, and nothing else. Lines that wrapped come apart again in a wider window."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.lines = [""]
        self.line, self.offset = 0, 0
        self.cursor = True
        self.drawing = False
        self.tallest = 0

    def feed(self, text: str) -> None:
        for part in PART.finditer(text):
            if part["final"]:
                self._obey(part["given"], part["final"])
            elif part[0] == "\r":
                self.offset -= self.offset % self.columns
            elif part[0] == "\n":
                self.line, self.offset = self.line + 1, 0
                if self.line == len(self.lines):
                    self.lines.append("")
            else:
                assert part[0] != "\x1b", f"an escape that nobody knows: {text!r}"
                line = self.lines[self.line]
                self.lines[self.line] = (
                    line[: self.offset].ljust(self.offset) + part[0] + line[self.offset + len(part[0]) :]
                )
                self.offset += len(part[0])

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def _obey(self, given: str, final: str) -> None:
        match final:
            case "A":
                self._up(int(given or 1))
            case "J":
                assert given in ("", "0")
                self.lines[self.line :] = [self.lines[self.line][: self.offset]]
            case "h" | "l":
                assert given in ("?25", "?2026"), given
                if given == "?25":
                    self.cursor = final == "h"
                else:
                    self.drawing = final == "h"
            case "m":
                pass
            case _:
                raise AssertionError(f"nobody asked for {given}{final}")

    def _up(self, rows: int) -> None:
        assert rows < self.rows, "above the window nothing can be reached"
        self.tallest = max(self.tallest, rows)
        self.offset -= self.offset % self.columns
        for _ in range(rows):
            if self.offset:
                self.offset -= self.columns
            elif self.line:
                self.line -= 1
                self.offset = max(len(self.lines[self.line]) - 1, 0) // self.columns * self.columns


class Terminal:
    """One program. `raw` is all that it wrote."""

    def __init__(self, pid: int, fd: int, screen: Screen) -> None:
        self._pid, self._fd = pid, fd
        self._bytes = b""
        self.screen = screen
        self.raw = ""
        self.status: int | None = None

    def until(self, wanted: str) -> str:
        """Read until this is seen on the screen, which shows a frame once it is whole."""
        deadline = time.monotonic() + PATIENCE
        while self.screen.drawing or not re.search(wanted, self.screen.text):
            assert time.monotonic() < deadline, self.screen.text
            assert self._read(0.1), f"{wanted!r} did not come:\n{self.screen.text}"
        return self.screen.text

    def end(self) -> str:
        """Read all that comes."""
        deadline = time.monotonic() + PATIENCE
        while self._read(0.1):
            assert time.monotonic() < deadline, self.screen.text
        if self.status is None:
            _, status = os.waitpid(self._pid, 0)
            self.status = os.waitstatus_to_exitcode(status)
        return self.screen.text

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self._fd)[3] & termios.ECHO)

    def resize(self, columns: int, rows: int) -> None:
        self.screen.columns, self.screen.rows = columns, rows
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def close(self) -> None:
        os.close(self._fd)  # whoever still runs in it hears that nobody is there any more
        if self.status is None:
            os.waitpid(self._pid, 0)

    def _read(self, wait: float) -> bool:
        """False at the end."""
        if not select.select([self._fd], [], [], wait)[0]:
            return True
        try:
            found = os.read(self._fd, 65_536)
        except OSError:  # Linux says so when the last one has gone
            found = b""
        whole, cut, rest = (self._bytes + found).rpartition(b"\n")
        if found.endswith((b"\n", b"l", b"h", b" ")) or not found:
            whole, cut, rest = self._bytes + found, b"", b""
        self._bytes = rest
        text = (whole + cut).decode()
        self.raw += text
        self.screen.feed(text.replace("\r\n", "\n"))
        return bool(found)


@contextmanager
def terminal(folder: Path, *arguments: str, columns: int = 80, rows: int = 24, **more: str):
    """`headrace run` in a terminal of this size."""
    command, settings = ["headrace", "run", *arguments], environment(folder, **{"TERM": "xterm-256color", **more})
    pid, fd = pty.fork()
    if pid == 0:
        try:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.chdir(folder)
            os.execve(HEADRACE, command, settings)
        finally:
            os._exit(127)
    opened = Terminal(pid, fd, Screen(columns, rows))
    try:
        yield opened
    finally:
        opened.close()
