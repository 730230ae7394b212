"""Builds the tree of positions from libyaml's events: what YAML allows and a workflow file may not, ends here."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import yaml

from engine.spec.limits import Meter, Refused, span_of
from engine.spec.nodes import Entry, Mapping, Node, Scalar, Sequence, Span
from engine.spec.resolve import OutOfRange, resolve

_ANCHOR = re.compile(r"&\S+\s+")
_WORD = re.compile(r"\S+")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_made = tuple.__new__
"""Makes a named tuple in half the time of its own constructor: a file has hundreds of scalars and entries."""


def build(text: str) -> Node:
    """The tree of the one document in `text`.

    Raises Refused where the file breaks a rule of ours, yaml.YAMLError where it is no YAML.
    """
    return _Builder(text).document()


class _Builder:
    def __init__(self, text: str) -> None:
        self._text = text
        self._next: Callable[[], Any] = yaml.CSafeLoader(text).get_event
        self._meter = Meter()
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._open: set[str] = set()
        self._built = 0

    def document(self) -> Node:
        self._next()  # the stream's start
        if not isinstance(self._next(), yaml.DocumentStartEvent):
            return Scalar(start=0, end=0, text="", style=None, value=None)
        root = self._node(self._next())
        self._next()  # the document's end
        more = self._next()
        if isinstance(more, yaml.DocumentStartEvent):
            message = "the file holds more than one YAML document; a workflow is one file"
            raise Refused("yaml-documents", message, span_of(more))
        return root

    def _node(self, event: Any) -> Node:
        self._meter.take(event)
        kind = type(event)
        if kind is yaml.ScalarEvent and event.tag is event.anchor is None:
            self._built += 1
            return self._scalar(event, event.start_mark.index)  # as most are
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if event.tag is not None:
            message = "explicit YAML tags (`!...`) are not allowed; quote a value to make it a string"
            raise Refused("yaml-tag", message, self._word(span_of(event).start))
        if event.anchor is not None:
            return self._anchored(event, event.anchor)
        self._built += 1
        return self._plain(event)

    def _anchored(self, event: yaml.NodeEvent, anchor: str) -> Node:
        before = self._built
        self._open.add(anchor)
        node = self._plain(event)
        self._built += 1
        self._open.discard(anchor)
        self._anchors[anchor] = (node, self._built - before)
        return node

    def _plain(self, event: Any) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, self._after_anchor(event))
        self._meter.enter(event)
        node = self._sequence(event) if isinstance(event, yaml.SequenceStartEvent) else self._mapping(event)
        self._meter.leave()
        return node

    def _after_anchor(self, event: Any) -> int:
        """Where a scalar begins: for libyaml that is its anchor."""
        start, end = span_of(event)
        anchor = None if event.anchor is None else _ANCHOR.match(self._text, start, end)
        return anchor.end() if anchor else start

    def _alias(self, event: yaml.AliasEvent) -> Node:
        span = span_of(event)
        if event.anchor in self._open:
            raise Refused("yaml-alias", f'the alias "*{event.anchor}" stands inside its own anchor', span)
        if event.anchor not in self._anchors:
            raise Refused("yaml-alias", f'the alias "*{event.anchor}" has no anchor before it', span)
        node, nodes = self._anchors[event.anchor]
        self._meter.take_alias(nodes, span)
        self._built += nodes
        return node

    def _scalar(self, event: Any, start: int) -> Scalar:
        text, style, end = event.value, event.style, event.end_mark.index
        if style == '"' and (match := _UNSTORABLE.search(text)):  # only escapes can make one
            code = f"U+{ord(match.group()):04X}"
            raise Refused("yaml-characters", f"the character {code} cannot be stored; leave it out", Span(start, end))
        if style:
            return _made(Scalar, (start, end, text, style, text))
        try:
            return _made(Scalar, (start, end, text, None, resolve(text)))
        except OutOfRange:
            message = f"{text[:40]} is no 64-bit integer or finite number; quote it if it is text"
            raise Refused("yaml-number", message, Span(start, end)) from None

    def _sequence(self, event: yaml.SequenceStartEvent) -> Sequence:
        items: list[Node] = []
        while not isinstance(item := self._next(), yaml.SequenceEndEvent):
            items.append(self._node(item))
        return Sequence(span=Span(start=span_of(event).start, end=span_of(item).end), items=tuple(items))

    def _mapping(self, event: yaml.Event) -> Mapping:
        entries: dict[str, Entry] = {}
        while type(at := self._next()) is not yaml.MappingEndEvent:
            key, start, end = self._key(at)
            node = self._node(self._next())
            if key in entries:
                raise Refused("duplicate-key", f'the key "{key}" stands twice in one map', Span(start, end))
            entries[key] = _made(Entry, (key, start, end, node))
        return Mapping(span=Span(start=span_of(event).start, end=span_of(at).end), entries=entries)

    def _key(self, event: Any) -> tuple[str, int, int]:
        kind = type(event)
        if kind is yaml.ScalarEvent and event.tag is event.anchor is None and event.style != '"':
            self._built += 1
            self._meter.take(event)
            text, style = event.value, event.style  # nothing but text: most keys
            start, end = event.start_mark.index, event.end_mark.index
        else:
            key = self._node(event)
            if not isinstance(key, Scalar):
                start = key.span.start
                raise Refused("yaml-key", "a key must be text, not a list or a map", Span(start, start + 1))
            start, end, text, style, _ = key
        if text == "<<" and not style:
            message = "merge keys (`<<`) are not allowed; write the keys out, or use `defaults`"
            raise Refused("merge-key", message, Span(start, end))
        return text, start, end

    def _word(self, start: int) -> Span:
        match = _WORD.match(self._text, start)
        return Span(start=start, end=match.end() if match else start)
