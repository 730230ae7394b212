"""From a name to its definition, to all that name it, and to another name for all of them."""

from __future__ import annotations

import re
from pathlib import Path

from lsprotocol import types

from engine.lsp.occurrences import Occurrence, at, occurrences
from engine.lsp.views import View
from engine.lsp.workspace import Workspace, path_of
from engine.spec.document import read
from engine.spec.fields import CEL_WORDS, ID
from engine.spec.nodes import Document, Span


class Navigation:
    """The names around one place of one file, in all files of its project."""

    def __init__(self, workspace: Workspace, encoding: str, uri: str, position: types.Position) -> None:
        self._workspace = workspace
        self._encoding = encoding
        self._found: list[Occurrence] = []
        self._here: Occurrence | None = None
        self._views: dict[Path, View] = {}
        path = path_of(uri)
        text = None if path is None else workspace.legible(path)
        if path is None or text is None:
            return
        offset = self._view(path, text).offset(position)
        if offset is None:
            return
        self._folder = workspace.project_of(path)
        read_ = (read(name, data) for name, data in workspace.files(self._folder, legible=True).items())
        self._found = occurrences(each for each in read_ if isinstance(each, Document))
        self._here = at(self._found, path.relative_to(self._folder).as_posix(), offset)

    def definitions(self) -> list[types.Location]:
        """Where it is defined."""
        return [self._location(each) for each in self._same() if each.defines]

    def references(self, *, declaration: bool) -> list[types.Location]:
        """Where it is named."""
        return [self._location(each) for each in self._same() if declaration or not each.defines]

    def renamed(self, name: str) -> types.WorkspaceEdit | None:
        """The edits that give a task another name; None where the name is none or taken, or a place cannot be changed.

        No place can in a file that is no YAML: what it names is known only from before.
        """
        if self._here is None or self._here.target[0] != "task" or not re.fullmatch(ID, name) or name in CEL_WORDS:
            return None
        workflow = self._here.target[:2]
        if any(each.target[:2] == workflow and each.target[-1] == name for each in self._found):
            return None  # in a list around or inside it would hide, or be hidden by, the other one
        changes: dict[str, list[types.TextEdit]] = {}
        for each in self._same():
            if each.document.source.text[each.span.start : each.span.end] != self._here.target[-1]:
                return None  # it is written with escapes: to rename all but one would break the file
            if not self._view(self._folder / each.document.source.path, each.document.source.text).is_shown:
                return None
            place = self._location(each)
            changes.setdefault(place.uri, []).append(types.TextEdit(range=place.range, new_text=name))
        return types.WorkspaceEdit(changes=changes)

    def _same(self) -> list[Occurrence]:
        if self._here is None:
            return []
        return [each for each in self._found if each.target == self._here.target]

    def _location(self, each: Occurrence) -> types.Location:
        path = self._folder / each.document.source.path
        view = self._view(path, each.document.source.text)
        return types.Location(uri=self._workspace.uri(path), range=view.range(Span(each.span.start, each.span.end)))

    def _view(self, path: Path, text: str) -> View:
        if path not in self._views:
            buffer = self._workspace.buffers.get(path)
            self._views[path] = View(str(path), text, text if buffer is None else buffer.text, self._encoding)
        return self._views[path]
