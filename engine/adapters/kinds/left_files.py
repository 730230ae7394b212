"""Finds the files that a task leaves: what its patterns match in its folder, and nothing outside of it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath

from engine.app.artifact_ports import Content
from engine.app.kinds import Failed, Left

MOST = 100_000
"""Entries of a folder that are looked at."""
_MAGIC = re.compile(r"[*?\[]")


def left_files(folder: Path, wanted: Mapping[str, str]) -> list[Left]:
    """By the names of `wanted`, in the order of their paths. Raises Failed (`artifact`)."""
    if not wanted:
        return []
    try:
        real = folder.resolve(strict=True)
        entries = sorted(_below(real))
    except OSError as error:
        raise _failed(f"the folder of the task cannot be read: {error.strerror}") from None
    return [left for name, pattern in wanted.items() for left in _matching(real, entries, name, pattern)]


def _matching(folder: Path, entries: list[str], name: str, pattern: str) -> Iterator[Left]:
    plain = PurePosixPath(pattern)
    if plain.is_absolute() or ".." in plain.parts or "\0" in pattern:
        raise _failed(f"{pattern!r} leads out of the folder of the task")
    steps, matches = plain.parts, re.compile(_expression(plain.parts))
    found = [entry for entry in entries if matches.match(entry)]
    if not found:
        raise _failed(f"there are no files {pattern!r}, which {name!r} stands for")
    root = _root(steps, is_file=found == [str(plain)])
    for entry in found:
        yield _left(folder, name, entry, root)


def _left(folder: Path, name: str, entry: str, root: str) -> Left:
    try:
        entry.encode()
    except UnicodeEncodeError:
        raise _failed(f"the name of the file {entry!r} is not UTF-8") from None
    try:
        real = (folder / entry).resolve(strict=True)
        found = real.stat()
    except (OSError, RuntimeError) as error:
        raise _failed(f"{entry!r} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not real.is_relative_to(folder):
        raise _failed(f"{entry!r} is a link that leads out of the folder of the task")
    if not stat.S_ISREG(found.st_mode):
        raise _failed(f"{entry!r} is no regular file")
    return Left(
        name=name, file=entry, root=root, executable=bool(found.st_mode & stat.S_IXUSR), open=partial(_opened, real)
    )


@contextmanager
def _opened(real: Path) -> Iterator[Content]:
    """Not through a link that took its place meanwhile, and not a pipe that never ends."""
    try:
        handle = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise _failed(f"{real.name!r} cannot be read: {error.strerror}") from None
    with os.fdopen(handle, "rb") as content:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise _failed(f"{real.name!r} is no regular file")
        yield content


def _below(folder: Path) -> Iterator[str]:
    """The paths of all files and links; links to folders are not followed."""
    seen = 0
    for above, _folders, files in os.walk(folder):
        seen += 1 + len(files)
        if seen > MOST:
            raise _failed(f"the folder of the task has more than {MOST} entries")
        # A link to a folder is listed among the folders: nothing below it belongs to this one.
        yield from (str(PurePosixPath(Path(above, name).relative_to(folder))) for name in files)


def _root(steps: tuple[str, ...], *, is_file: bool) -> str:
    """The part of a pattern before its first wildcard; of a plain path to a file, the folder that holds it."""
    fixed = next((index for index, step in enumerate(steps) if _MAGIC.search(step)), len(steps))
    return "/".join(steps[: fixed - 1 if is_file and fixed == len(steps) else fixed])


def _expression(steps: tuple[str, ...]) -> str:
    """`*`, `?` and `[…]` within a step, `**` for any number of steps. A folder that matches stands for all that is in it."""
    found = ""
    for index, step in enumerate(steps):
        last = index == len(steps) - 1
        if step == "**":
            found += ".+" if last else "(?:[^/]+/)*"
        else:
            found += _step(step) + ("" if last else "/")
    return f"(?s:{found})(?:/.*)?\\Z" if steps else r"(?s:.*)\Z"


def _step(step: str) -> str:
    found, rest = "", step
    while rest:
        head, rest = rest[0], rest[1:]
        if head == "*":
            found += "[^/]*"
        elif head == "?":
            found += "[^/]"
        elif head == "[" and (end := rest.find("]", 1)) > 0:
            inner, rest = rest[:end].replace("\\", r"\\").replace("[", r"\["), rest[end + 1 :]
            found += f"(?!/)[{'^' + inner[1:] if inner[0] == '!' else inner.replace('^', chr(92) + '^')}]"
        else:
            found += re.escape(head)
    return found


def _failed(message: str) -> Failed:
    return Failed("artifact", message)
