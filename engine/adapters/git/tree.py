"""Reads the workflow files of a commit, with a bound on everything that a hostile repository could make large."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from engine.adapters.git.command import Ended
from engine.errors import Problem, Rejected

MAX_FILE = 256 * 1024
"""Bytes of one file; also what the fetch leaves out (git's `blob:limit`)."""
MAX_FILES = 2_000
MAX_TOTAL = 32 * 1024 * 1024
MAX_DEPTH = 4
"""Levels of folders below the one with the workflows."""
MAX_FOLDERS = 200
MAX_TREE = 2 * 1024 * 1024
"""Bytes of one folder's tree object, about 40,000 entries."""
MAX_PROBLEMS = 50

_REGULAR = frozenset({"100644", "100755"})
_FOLDER, _LINK, _SUBMODULE = "040000", "120000", "160000"
_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}(?:\.ya?ml)?")
_YAML = re.compile(r".*\.ya?ml", re.DOTALL)


class Run(Protocol):
    """Runs a git command on the copy."""

    def __call__(self, arguments: Sequence[str], *, stdin: bytes = b"") -> Ended: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    mode: str
    oid: str
    size: int | None
    name: str


@dataclass(slots=True, kw_only=True)
class _Found:
    files: dict[str, _Entry] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    folders: int = 0


def read_files(run: Run, sha: str, steps: Sequence[str]) -> Mapping[str, bytes]:
    """The YAML files below the folder that `steps` lead to, by path from the root of the repository.

    Raises Rejected, with a problem for each path that is no plain file, has a strange name or is too large.
    """
    tree = _descend(run, f"{sha}^{{tree}}", steps)
    found = _Found()
    _walk(run, tree, "/".join(steps), 0, found)
    if found.problems:
        raise Rejected("the folder holds what cannot be read", problems=found.problems[:MAX_PROBLEMS])
    if sum(entry.size or 0 for entry in found.files.values()) > MAX_TOTAL:
        raise Rejected(f"the workflow files are larger than {MAX_TOTAL // 1024 // 1024} MiB together")
    return _contents(run, found.files)


def _descend(run: Run, tree: str, steps: Sequence[str]) -> str:
    for number, step in enumerate(steps):
        path = "/".join(steps[: number + 1])
        entry = next((entry for entry in _list(run, tree, path) if entry.name == step), None)
        if entry is None:
            raise Rejected(f"there is no folder {path!r} in this commit")
        if entry.mode != _FOLDER:
            raise Rejected(f"{path!r} is {_what(entry)}, not a folder")
        tree = entry.oid
    return tree


def _walk(run: Run, tree: str, path: str, depth: int, found: _Found) -> None:
    found.folders += 1
    if found.folders > MAX_FOLDERS:
        raise Rejected(f"there are more than {MAX_FOLDERS} folders below the workflows")
    for entry in _list(run, tree, path):
        at = f"{path}/{entry.name}" if path else entry.name
        problem = _problem(entry, at, depth, found)
        if problem:
            found.problems.append(Problem(pointer=_printable(at), detail=problem))
        elif entry.mode == _FOLDER:
            _walk(run, entry.oid, at, depth + 1, found)
        elif _YAML.fullmatch(entry.name):
            found.files[at] = entry
        if len(found.files) > MAX_FILES:
            raise Rejected(f"there are more than {MAX_FILES:,} workflow files")


def _problem(entry: _Entry, at: str, depth: int, found: _Found) -> str | None:
    if entry.mode in {_LINK, _SUBMODULE}:
        return f"is {_what(entry)}; only files of this repository itself are read"
    if at in found.files:
        return "stands twice in this commit"
    if entry.mode == _FOLDER:
        if depth >= MAX_DEPTH:
            return f"lies more than {MAX_DEPTH} folders deep"
        return None if _fit(entry.name) else "has a name with other characters than A-Z a-z 0-9 . _ -"
    if not _YAML.fullmatch(entry.name):
        return None
    if not _fit(entry.name):
        return "has a name that is too long or has other characters than A-Z a-z 0-9 . _ -"
    if entry.mode not in _REGULAR:
        return f"has the mode {entry.mode} and is no regular file"
    if entry.size is None or entry.size > MAX_FILE:
        return f"is larger than {MAX_FILE // 1024} KiB"
    return None


def _fit(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and name not in {".", ".."}


def _what(entry: _Entry) -> str:
    return {_LINK: "a symbolic link", _SUBMODULE: "a submodule", _FOLDER: "a folder"}.get(entry.mode, "a file")


def _list(run: Run, tree: str, path: str) -> Sequence[_Entry]:
    """The entries of one tree, whose size is looked at first: nothing large is ever read."""
    oid, kind, size = _look(run, tree)
    if kind != "tree":
        raise Rejected(f"the tree of {path!r} cannot be read")
    if size > MAX_TREE:
        raise Rejected(f"the folder {path!r} has too many entries")
    listed = run(["ls-tree", "-z", "-l", "--full-tree", oid])
    if listed.status:
        raise Rejected(f"the tree of {path!r} cannot be read: {listed.stderr}")
    return [_entry(line) for line in listed.stdout.split(b"\0") if line]


def _look(run: Run, name: str) -> tuple[str, str, int]:
    answer = run(["cat-file", "--batch-check"], stdin=f"{name}\n".encode()).stdout.decode().split()
    match answer:
        case [oid, kind, size] if size.isdigit():
            return oid, kind, int(size)
    return name, "missing", 0


def _entry(line: bytes) -> _Entry:
    """`MODE TYPE ID SIZE<tab>NAME`; the size of a blob that was left out by the fetch reads BAD."""
    head, _, name = line.partition(b"\t")
    mode, _, oid, size = head.decode().split()
    return _Entry(
        mode=mode, oid=oid, size=int(size) if size.isdigit() else None, name=name.decode(errors="surrogateescape")
    )


def _contents(run: Run, files: Mapping[str, _Entry]) -> Mapping[str, bytes]:
    asked = "".join(f"{entry.oid}\n" for entry in files.values()).encode()
    answer = run(["cat-file", "--batch"], stdin=asked)
    return dict(zip(files, _blobs(answer.stdout, len(files)), strict=True))


def _blobs(stream: bytes, count: int) -> Iterator[bytes]:
    """`ID blob SIZE<newline>CONTENT<newline>`, as often as was asked."""
    at = 0
    for _ in range(count):
        end = stream.find(b"\n", at)
        header = stream[at:end].split()
        if len(header) != 3 or header[1] != b"blob":  # noqa: PLR2004 - the three words of the header
            raise Rejected("a file of this commit cannot be read")
        start = end + 1
        at = start + int(header[2]) + 1
        yield stream[start : at - 1]


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)[:300]
