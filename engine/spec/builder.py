"""Builds the tree of positions from libyaml's events: what YAML allows and a workflow file may not, ends here."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from engine.core.values import Json
from engine.spec.limits import Meter, Refused
from engine.spec.nodes import Entry, Mapping, Node, Scalar, Sequence, Span
from engine.spec.resolve import OutOfRange, resolve

_ANCHOR = re.compile(r"&\S+\s+")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def build(text: str) -> Node:
    """The tree of the one document in `text`.

    Raises Refused where the file breaks a rule of ours, yaml.YAMLError where it is no YAML.
    """
    return _Builder(text).document()


class _Builder:
    def __init__(self, text: str) -> None:
        self._text = text
        self._events: Iterator[yaml.Event] = iter(yaml.parse(text, Loader=yaml.CSafeLoader))
        self._meter = Meter()
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._open: set[str] = set()
        self._built = 0

    def document(self) -> Node:
        self._next()  # the stream's start
        if not isinstance(self._next(), yaml.DocumentStartEvent):
            return Scalar(span=Span(start=0, end=0), text="", style=None, value=None)
        root = self._node(self._next())
        self._next()  # the document's end
        more = self._next()
        if isinstance(more, yaml.DocumentStartEvent):
            message = "the file holds more than one YAML document; a workflow is one file"
            raise Refused("yaml-documents", message, more.start_mark.index, more.end_mark.index)
        return root

    def _next(self) -> yaml.Event:
        event = next(self._events)
        self._meter.take(event)
        return event

    def _node(self, event: yaml.Event) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        assert isinstance(event, yaml.NodeEvent)
        anchor = event.anchor
        if event.tag is not None:
            tag_end = self._tag_end(event.start_mark.index)
            message = "explicit YAML tags (`!...`) are not allowed; quote a value to make it a string"
            raise Refused("yaml-tag", message, event.start_mark.index, tag_end)
        before = self._built
        if anchor is not None:
            self._open.add(anchor)
        node = self._untagged(event)
        self._built += 1
        if anchor is not None:
            self._open.discard(anchor)
            self._anchors[anchor] = (node, self._built - before)
        return node

    def _untagged(self, event: yaml.NodeEvent) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(event)
        return self._mapping(event)

    def _alias(self, event: yaml.AliasEvent) -> Node:
        start, end = event.start_mark.index, event.end_mark.index
        if event.anchor in self._open:
            raise Refused("yaml-alias", f'the alias "*{event.anchor}" stands inside its own anchor', start, end)
        if event.anchor not in self._anchors:
            raise Refused("yaml-alias", f'the alias "*{event.anchor}" has no anchor before it', start, end)
        node, nodes = self._anchors[event.anchor]
        self._meter.take_alias(nodes, start, end)
        self._built += nodes
        return node

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        start, end = event.start_mark.index, event.end_mark.index
        if event.anchor is not None and (anchor := _ANCHOR.match(self._text, start, end)):
            start = anchor.end()
        if match := _UNSTORABLE.search(event.value):
            code = f"U+{ord(match.group()):04X}"
            raise Refused("yaml-characters", f"the character {code} cannot be stored; leave it out", start, end)
        value = event.value if event.style else self._resolve(event.value, start, end)
        return Scalar(span=Span(start=start, end=end), text=event.value, style=event.style or None, value=value)

    def _resolve(self, text: str, start: int, end: int) -> Json:
        try:
            return resolve(text)
        except OutOfRange:
            message = f"{text[:40]} is no 64-bit integer or finite number; quote it if it is text"
            raise Refused("yaml-number", message, start, end) from None

    def _sequence(self, event: yaml.SequenceStartEvent) -> Sequence:
        items: list[Node] = []
        while not isinstance(item := self._next(), yaml.SequenceEndEvent):
            items.append(self._node(item))
        return Sequence(span=Span(start=event.start_mark.index, end=item.end_mark.index), items=tuple(items))

    def _mapping(self, event: yaml.MappingStartEvent) -> Mapping:
        entries: dict[str, Entry] = {}
        while not isinstance(key := self._next(), yaml.MappingEndEvent):
            entry = self._entry(key)
            if entry.key in entries:
                span = entry.key_span
                raise Refused("duplicate-key", f'the key "{entry.key}" stands twice in one map', span.start, span.end)
            entries[entry.key] = entry
        return Mapping(span=Span(start=event.start_mark.index, end=key.end_mark.index), entries=entries)

    def _entry(self, event: yaml.Event) -> Entry:
        key = self._node(event)
        if not isinstance(key, Scalar):
            raise Refused("yaml-key", "a key must be text, not a list or a map", key.span.start, key.span.start + 1)
        if key.style is None and key.text == "<<":
            message = "merge keys (`<<`) are not allowed; write the keys out, or use `defaults`"
            raise Refused("merge-key", message, key.span.start, key.span.end)
        return Entry(key=key.text, key_span=key.span, node=self._node(self._next()))

    def _tag_end(self, start: int) -> int:
        match = re.compile(r"\S+").match(self._text, start)
        return match.end() if match else start
