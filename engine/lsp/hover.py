"""Says what the word at the cursor means: a key, a kind of task, a name in an expression, a task that is waited for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from engine.core.values import Json
from engine.lsp.schemas import described, kind_described, schemas_at
from engine.lsp.scopes import is_expression, members, scope_at
from engine.spec.document import read
from engine.spec.load import Loaded, is_loaded, is_project
from engine.spec.nodes import Document, Node, Path, Scalar, Span
from engine.spec.nodes import Mapping as Map

_WORD = re.compile(r"\w+")


def hover(name: str, text: str, offset: int, loaded: Loaded) -> str | None:
    """What is said of the place, in Markdown; None where there is nothing to say, or the file cannot be read."""
    document = read(name, text.encode(errors="replace"))
    if not isinstance(document, Document):
        return None
    for path, span, node in _places(document.root, ()):
        if span.start <= offset < span.end:
            said = _of_key(document, path) if node is None else _of_value(document, path, node, offset, loaded)
            return said or None
    return None


def _of_key(document: Document, path: Path) -> str:
    return described(schemas_at(document, path)) or _of_task(document.find(path))


def _of_value(document: Document, path: Path, node: Scalar, offset: int, loaded: Loaded) -> str:
    source, start = document.source.text, node.span.start
    name = document.source.path
    if path[-1:] == ("uses",):
        return kind_described(node.text)
    if "needs" in path:
        return _of_task(document.find((*path[: path.index("needs") - 1], node.text.partition(".")[0])))
    if is_loaded(name) and not is_project(name) and is_expression(source[start:offset], path):
        word = next((each for each in _WORD.finditer(source, start, node.span.end) if each.end() > offset), None)
        if word is None or word.start() > offset:
            return ""
        known = members(scope_at(document, node, loaded), source[start : word.start()])
        return f"`{word.group()}`: {_shape(known[word.group()])}" if word.group() in known else ""
    return described(schemas_at(document, path))


def _of_task(task: Node | None) -> str:
    """What a task is, by the keys that say it."""
    if not isinstance(task, Map):
        return ""
    shown = ("description", "uses", "workflow", "needs", "if")
    lines = [f"`{key}: {_plain(task.entries[key].node.value)}`" for key in shown if key in task.entries]
    return "  \n".join(lines)


def _plain(value: Json) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _shape(known: Json) -> str:
    if not isinstance(known, Mapping):
        return "any"
    inside = ", ".join(known.get("properties", ()))
    what = str(known.get("type") or known.get("description") or "any")
    return f"{what} of {inside}" if inside else what


def _places(node: Node, path: Path) -> Iterator[tuple[Path, Span, Scalar | None]]:
    """Each key, and each value without parts, with where it stands."""
    if isinstance(node, Scalar):
        yield path, node.span, node
    elif isinstance(node, Map):
        for key, entry in node.entries.items():
            yield (*path, key), entry.key_span, None
            yield from _places(entry.node, (*path, key))
    else:
        for index, item in enumerate(node.items):
            yield from _places(item, (*path, index))
