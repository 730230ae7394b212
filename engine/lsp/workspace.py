"""The files of an editor's folders: what is open in it, as it is there, over what lies on disk."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from engine.spec.document import read
from engine.spec.load import PROJECT_FILE
from engine.spec.nodes import Document

_PATTERNS = ("*.yaml", "*.yml")
_DEFAULT = "workflows"
"""The folder that `headrace lint` looks at by itself."""

_FOREIGN = frozenset(("node_modules", "venv"))
"""Folders with many files and no projects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Buffer:
    """A file that is open: its text, how the editor calls it, and the last text of it that was YAML, if there was one."""

    uri: str
    text: str
    version: int | None = None
    legible: str | None = None


@dataclass(slots=True, kw_only=True)
class Workspace:
    """The folders of an editor and the files that are open in it, by their paths."""

    roots: tuple[Path, ...] = ()
    buffers: dict[Path, Buffer] = field(default_factory=dict)

    def open(self, path: Path, uri: str, text: str, version: int | None) -> None:
        """A file is open, or is changed there."""
        before = self.buffers.get(path)
        legible = text if _is_legible(path, text) else None if before is None else before.legible
        self.buffers[path] = Buffer(uri=uri, text=text, version=version, legible=legible)

    def uri(self, path: Path) -> str:
        """How the editor calls a file."""
        return self.buffers[path].uri if path in self.buffers else path.as_uri()

    def text(self, path: Path) -> str | None:
        """What is in a file; None where there is none that can be read."""
        if path in self.buffers:
            return self.buffers[path].text
        data = _bytes(path)
        return None if data is None else data.decode("utf-8-sig", "replace")

    def legible(self, path: Path) -> str | None:
        """What is in a file, of one that is open what was there when it was last YAML; None where there is no such text."""
        return self.buffers[path].legible if path in self.buffers else self.text(path)

    def projects(self) -> tuple[Path, ...]:
        """The folders whose files belong together: each with a project.yaml, `workflows`, and those of open workflows."""
        found = {folder for root in self.roots for folder in _projects(root)}
        found |= {self.project_of(path) for path, buffer in self.buffers.items() if _is_ours(path, buffer.text)}
        return tuple(sorted(folder for folder in found if not found.intersection(folder.parents)))

    def project_of(self, path: Path) -> Path:
        """The folder whose files belong together with this one, the outermost where there are several."""
        around = [folder for folder in path.parents if any(folder.is_relative_to(root) for root in self.roots)]
        for folder in reversed(around):
            if folder.joinpath(PROJECT_FILE).is_file() or folder.joinpath(PROJECT_FILE) in self.buffers:
                return folder
        return next((root / _DEFAULT for root in self.roots if path.is_relative_to(root / _DEFAULT)), path.parent)

    def files(self, folder: Path, *, legible: bool = False) -> dict[str, bytes]:
        """The files below a folder by their paths in it, as `headrace lint` would read them if all were saved.

        `legible`: those that are open as they were when they were last YAML.
        """
        paths = {path for pattern in _PATTERNS for path in folder.rglob(pattern)}
        paths |= {path for path in self.buffers if path.is_relative_to(folder) and path.suffix in (".yaml", ".yml")}
        return dict(self._read(folder, sorted(paths), legible=legible))

    def _read(self, folder: Path, paths: Iterable[Path], *, legible: bool) -> Iterator[tuple[str, bytes]]:
        for path in paths:
            buffer = self.buffers.get(path)
            text = None if buffer is None else buffer.legible if legible and buffer.legible is not None else buffer.text
            data = _bytes(path) if text is None else text.encode(errors="surrogatepass")
            if data is not None:
                yield path.relative_to(folder).as_posix(), data


def path_of(uri: str) -> Path | None:
    """The file that a URI names; None where it names none, as for a text that was never saved."""
    parts = urlsplit(uri)
    path = unquote(parts.path)
    return Path(path) if parts.scheme == "file" and path.startswith("/") and "\0" not in path else None


def _projects(root: Path) -> Iterator[Path]:
    for folder, below, files in os.walk(root):
        below[:] = [name for name in below if not name.startswith(".") and name not in _FOREIGN]
        if PROJECT_FILE in files:
            yield Path(folder)
    if root.joinpath(_DEFAULT).is_dir():
        yield root / _DEFAULT


def _is_ours(path: Path, text: str) -> bool:
    """Whether an open file is a workflow or project.yaml; editors send every YAML file, whatever it is for."""
    return path.name == PROJECT_FILE or any(line.startswith(("tasks:", "finally:")) for line in text.splitlines())


def _is_legible(path: Path, text: str) -> bool:
    return isinstance(read(path.name, text.encode(errors="surrogatepass")), Document)


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
