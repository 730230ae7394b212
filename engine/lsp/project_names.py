"""Every place where something of project.yaml is named, in it and in workflows: people, groups, channels, sources and so on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from engine.spec.nodes import Document, Mapping, Path, Scalar, Sequence, Span
from engine.spec.walk import every_scalar

_MAPS = ("people", "groups", "channels", "webhooks", "vars")
_LISTS = ("queues", "secrets")
_GROUP = "group:"
_ASKING = ("approval", "message")


class Named(NamedTuple):
    """A place, the key of project.yaml that the name belongs to, and whether it is declared there."""

    span: Span
    key: str
    name: str
    defines: bool = False


def in_project(document: Document) -> Iterator[Named]:
    """What project.yaml declares, and what it names of it."""
    for key in _MAPS:
        node = document.find((key,))
        for name, entry in node.entries.items() if isinstance(node, Mapping) else ():
            yield Named(inner(document, entry.key_span), key, name, defines=True)
    for key in _LISTS:
        node = document.find((key,))
        for item in node.items if isinstance(node, Sequence) else ():
            if isinstance(item, Scalar):
                yield Named(inner(document, item.span), key, item.text, defines=True)
    for path, node in every_scalar(document.root):
        yield from _said(document, node, _project_key(path))


def in_workflow(document: Document, path: Path, node: Scalar) -> Iterator[Named]:
    """What the value at `path` of a workflow names of project.yaml."""
    if path[:2] == ("on", "webhook") and path[3:] == ("source",):
        yield from _said(document, node, "webhooks")
    elif path[-1:] == ("queue",) and "with" not in path[-2:]:
        yield from _said(document, node, "queues")
    elif _asks(document, path):
        words = [step for step in path[-2:] if isinstance(step, str)]
        yield from _said(document, node, {"channel": "channels"}.get(words[-1], "people"))


def inner(document: Document, span: Span) -> Span:
    """Without the quotes."""
    quoted = document.source.text.startswith(("'", '"'), span.start)
    return Span(span.start + 1, span.end - 1) if quoted else span


def _project_key(path: Path) -> str | None:
    """Of which key of project.yaml a value of it is a name."""
    if path[:1] == ("groups",) or (path[:1] == ("channels",) and path[2:3] == ("to",)):
        return "people"
    if path[:1] == ("sync",):
        return {"channel": "channels", "webhook": "webhooks", "secret": "secrets"}.get(str(path[-1]))
    held = path[:1] in (("channels",), ("webhooks",)) and path[2:3] in (("secret",), ("secrets",))
    return "secrets" if held else None


def _asks(document: Document, path: Path) -> bool:
    """Whether this is a parameter with people or a channel, of a task that takes them."""
    at = next((index for index in (-2, -3) if path[index : index + 1] == ("with",)), None)
    if at is None or path[at + 1] not in ("channel", "approvers", "exclude", "to"):
        return False
    uses = document.find((*path[:at], "uses"))
    return isinstance(uses, Scalar) and uses.text in _ASKING


def _said(document: Document, node: Scalar, key: str | None) -> Iterator[Named]:
    if key is None:
        return
    span, name = inner(document, node.span), node.text
    if key == "people" and name.startswith(_GROUP):
        span, key, name = Span(span.start + len(_GROUP), span.end), "groups", name.removeprefix(_GROUP)
    if document.source.text[span.start : span.end] == name:  # else it is folded, or written with escapes
        yield Named(span, key, name)
