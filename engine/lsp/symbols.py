"""The outline of a workflow file: its tasks, those in groups below them."""

from __future__ import annotations

from lsprotocol import types

from engine.lsp.views import View
from engine.spec.document import read
from engine.spec.nodes import Document, Mapping, Node, Sequence, Span
from engine.spec.nodes import Path as Place


def symbols(name: str, view: View) -> list[types.DocumentSymbol]:
    """The tasks of a file; none where it cannot be read."""
    document = read(name, view.text.encode(errors="replace"))
    if not isinstance(document, Document):
        return []
    return [each for key in ("tasks", "finally") for each in _below(document, view, (key,))]


def _below(document: Document, view: View, path: Place) -> list[types.DocumentSymbol]:
    return [_symbol(document, view, (*path, key), node) for key, node in _tasks(document.find(path)).items()]


def _symbol(document: Document, view: View, path: Place, node: Node) -> types.DocumentSymbol:
    head = document.key_span(path)
    whole = Span(min(head.start, node.span.start), max(head.end, node.span.end))
    return types.DocumentSymbol(
        name=str(path[-1]) or "?",  # the protocol wants a name
        kind=types.SymbolKind.Function,
        range=view.range(whole),
        selection_range=view.range(head),
        children=_below(document, view, (*path, "tasks")),
    )


def _tasks(node: Node | None) -> dict[str, Node]:
    if isinstance(node, Mapping):
        return {key: entry.node for key, entry in node.entries.items()}
    return dict(node.named) if isinstance(node, Sequence) else {}
