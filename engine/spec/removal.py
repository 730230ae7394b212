"""Edits that take an entry out of a map or a list and leave the rest of the file, its comments too, as it is."""

from __future__ import annotations

import re
from itertools import pairwise

from engine.spec.findings import Edit
from engine.spec.nodes import Document, Mapping, Node, Path, Sequence, Span

_FLOW = re.compile(r"(?:&\S+[ \t]+)?[\[{]")
_COMMA = re.compile(r"[ \t]*,[ \t]*")
_BLANK = re.compile(r"[ \t]*")
_TO_ITEM = re.compile(r"[ \t]*-[ \t]+")
_END = re.compile(r"[ \t]*(?:\r\n|\n|\r|$)")


def removal(document: Document, path: Path) -> tuple[Edit, ...]:
    """The edit that removes what stands at `path`; none where more would go than that, a comment for example."""
    parent = document.find(path[:-1])
    parts = _parts(parent, path[-1])
    if parent is None or parts is None or len(parts[0]) == 1:
        return ()
    spans, index = parts
    if any(one.end > other.start for one, other in pairwise(spans)):
        return ()  # an alias: it stands elsewhere
    text = document.source.text
    within = (
        _in_flow(text, spans, index)
        if _FLOW.match(text, parent.span.start)
        else _on_its_line(text, parent, spans[index])
    )
    return () if within is None else (document.source.edit(within, ""),)


def _parts(parent: Node | None, step: str | int) -> tuple[list[Span], int] | None:
    """From where to where each entry stands, and which of them is meant."""
    if isinstance(parent, Mapping) and step in parent.entries:
        entries = parent.entries.values()
        if any(entry.node.span.start < entry.key_span.end for entry in entries):
            return None
        spans = [Span(start=entry.key_span.start, end=entry.node.span.end) for entry in entries]
        return spans, list(parent.entries).index(str(step))
    if isinstance(parent, Sequence) and isinstance(step, int) and step < len(parent.items):
        return [item.span for item in parent.items], step
    return None


def _in_flow(text: str, spans: list[Span], index: int) -> Span | None:
    """With the comma that parts it from the one before it, or, being the first, from the one after."""
    if index:
        between, gone = Span(start=spans[index - 1].end, end=spans[index].start), spans[index].end
        within = Span(start=between.start, end=gone)
    else:
        between = Span(start=spans[0].end, end=spans[1].start)
        within = Span(start=spans[0].start, end=between.end)
    return within if _COMMA.fullmatch(text, between.start, between.end) else None


def _on_its_line(text: str, parent: Node, span: Span) -> Span | None:
    """The whole line, if nothing else is on it."""
    start = max(text.rfind("\n", 0, span.start), text.rfind("\r", 0, span.start)) + 1
    before = _TO_ITEM if isinstance(parent, Sequence) else _BLANK
    end = _END.match(text, span.end)
    alone = before.fullmatch(text, start, span.start) and "\n" not in text[span.start : span.end]
    return Span(start=start, end=end.end()) if end and alone else None
