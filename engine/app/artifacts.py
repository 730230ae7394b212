"""Carries files between tasks: out of the store before an attempt, into it afterwards, within limits."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import PurePosixPath
from threading import Event
from time import monotonic

from uuid_utils import uuid7

from engine.app.artifact_ports import Artifact, ArtifactStore, Content, Files
from engine.app.insist import insist
from engine.app.kinds import Failed, Given, Left, NoHandover, Stopped, misused
from engine.core.commands import RunTask
from engine.core.keys import COMPENSATE
from engine.core.values import JsonObject
from engine.errors import Rejected, Unavailable

MAX_FILES = 1_000
"""Files that one attempt may leave."""
CHUNK = 1024 * 1024
HERE = "."
"""The place that lets files keep the paths they had."""
_ITERATION = re.compile(r"#(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bytes of a file, and of all files of an instance."""

    file: int = 100 * 1024 * 1024
    instance: int = 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifacts:
    """What a task worker needs to hand files over."""

    files: Files
    rows: ArtifactStore
    limits: Limits = field(default_factory=Limits)

    def of(self, run: RunTask, stop: Event) -> Carried:
        """The files of one attempt."""
        return Carried(self, run, stop)


class Collector:
    """Throws away contents that no instance has any more, in small batches."""

    def __init__(self, rows: ArtifactStore, files: Files) -> None:
        self._rows = rows
        self._files = files

    def run_once(self) -> int:
        """One batch; returns how many contents were looked at."""
        return self._rows.collect(self._files.delete)


class Carried(NoHandover):
    """Implements `engine.app.kinds.Handover`. What was left counts once `commit` is called: outputs could still fail the attempt."""

    def __init__(self, artifacts: Artifacts, run: RunTask, stop: Event) -> None:
        self._files, self._rows, self._limits = artifacts.files, artifacts.rows, artifacts.limits
        self._run = run
        self._stop = stop
        self._until = monotonic() + run.timeout / 1000 if run.timeout is not None else None
        wanted = run.artifacts or {}
        self._wanted: Sequence[JsonObject] = wanted.get("in", ())
        self.leaves: Mapping[str, str] = wanted.get("out", {})
        self._left: list[Artifact] | None = None

    def given(self) -> Iterable[Given]:
        """See the protocol."""
        places: dict[str, Artifact] = {}
        for wanted in self._wanted:
            for place, row in self._placed(wanted):
                other = places.setdefault(place, row)
                if other.digest != row.digest:
                    raise Failed("artifact", f"two different files would be put at {place!r}", {"file": place})
        for place, row in places.items():
            yield Given(file=place, executable=row.executable, open=partial(self._open, row.digest))

    def leave(self, files: Sequence[Left]) -> None:
        """See the protocol. Each file is read twice: a content is reserved by its digest before it is kept."""
        if len(files) > MAX_FILES:
            raise Failed("artifact", f"{len(files)} files; at most {MAX_FILES} can be kept", {"limit": MAX_FILES})
        found = [self._row(file) for file in files]
        with _failing():
            self._hold_total(found)
            insist(lambda: self._rows.reserve({row.digest: row.size for row in found}), self._stop)
            for file, row in zip(files, found, strict=True):
                insist(partial(self._keep, file, row), self._stop)
        self._left = found

    def commit(self) -> None:
        """The attempt has succeeded: what it left can be found from now on. Raises Failed."""
        if not self.leaves:
            return
        if self._left is None:
            raise misused(f"the kind {self._run.kind!r} has no folder, so it leaves no files")
        run, left = self._run, self._left
        with _failing():
            insist(
                lambda: self._rows.put(run.instance, run.path, run.attempt, left, most=self._limits.instance),
                self._stop,
            )

    def _keep(self, file: Left, row: Artifact) -> None:
        with file.open() as content:
            self._files.keep(row.digest, row.size, _Watched(content, self._check))

    def _row(self, left: Left) -> Artifact:
        digest, size = hashlib.sha256(), 0
        with left.open() as content:
            while chunk := content.read(CHUNK):
                self._check()
                digest.update(chunk)
                size += len(chunk)
                if size > self._limits.file:
                    limit = self._limits.file
                    raise Failed("artifact", f"{left.file!r} is larger than {limit} bytes", {"limit": limit})
        return Artifact(
            id=str(uuid7()),
            instance=self._run.instance,
            path=self._run.path,
            attempt=self._run.attempt,
            name=left.name,
            file=left.file,
            root=left.root,
            executable=left.executable,
            digest=digest.hexdigest(),
            size=size,
        )

    def _hold_total(self, found: Sequence[Artifact]) -> None:
        """Before much is sent; the store looks again when the rows are written."""
        limit, size = self._limits.instance, sum(row.size for row in found)
        run = self._run
        others = insist(lambda: self._rows.size(run.instance, without=(run.path, run.attempt)), self._stop)
        if others + size > limit:
            raise Failed("artifact", f"the files of an instance may have {limit} bytes", {"limit": limit, "size": size})

    def _placed(self, wanted: JsonObject) -> Iterator[tuple[str, Artifact]]:
        path, attempt, name, to = wanted["path"], wanted["attempt"], wanted["name"], wanted["to"]
        with _failing():
            rows = insist(lambda: self._rows.left(self._run.instance, path, below=attempt == 0), self._stop)
        rows = [row for row in rows if not name or row.name == name]
        if attempt:
            rows = [row for row in rows if row.attempt == attempt]
            if not rows:
                what = f"files called {name!r}" if name else "files"
                raise Failed("artifact", f"attempt {attempt} of {path!r} left no {what}", {"path": path, "name": name})
            chosen: Iterable[tuple[str, Artifact]] = (("", row) for row in rows)
        else:
            chosen = _latest(path, rows)
        for key, row in chosen:
            file = PurePosixPath(row.file)
            if name and to != HERE:
                file = file.relative_to(row.root)
            yield str(PurePosixPath(to, key, file)), row

    @contextmanager
    def _open(self, digest: str) -> Iterator[Content]:
        with _failing(), self._files.open(digest) as content:
            yield _Watched(content, self._check)

    def _check(self) -> None:
        if self._stop.is_set():
            raise Stopped
        if self._until is not None and monotonic() > self._until:
            raise Failed("timeout", f"the files were not handed over within {self._run.timeout} ms")


def _latest(prefix: str, rows: Sequence[Artifact]) -> Iterator[tuple[str, Artifact]]:
    """What the tasks below a path left, each with the folder of its scope; of iterations and attempts the last ones count."""
    paths = [(row.path[len(prefix) :], row) for row in rows]
    below = [(_key(path), row) for path, row in paths if COMPENSATE not in path.split("/")]
    for key, group in groupby(sorted(below, key=lambda found: found[0]), key=lambda found: found[0]):
        found = [row for _, row in group]
        last = max(_rank(row) for row in found)
        yield from ((key, row) for row in found if _rank(row) == last)


def _key(below: str) -> str:
    """`[eu]/build#3` gives `eu/build`."""
    return _ITERATION.sub("", below).replace("[", "/").replace("]", "").strip("/")


def _rank(row: Artifact) -> tuple[list[int], int]:
    return [int(number) for number in _ITERATION.findall(row.path)], row.attempt


class _Watched:
    """A content whose reading ends when its attempt does."""

    def __init__(self, content: Content, check: Callable[[], None]) -> None:
        self._content = content
        self._check = check

    def read(self, size: int = -1, /) -> bytes:
        """At most so many bytes."""
        self._check()
        return self._content.read(size)


@contextmanager
def _failing() -> Iterator[None]:
    """What the stores refuse is the end of the attempt."""
    try:
        yield
    except Rejected as error:
        raise Failed("artifact", error.detail) from None
    except Unavailable as error:
        raise Failed("artifact", str(error)) from None
