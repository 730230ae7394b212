"""Bounds that a YAML file must keep, checked while its events come in, before anything is built from them."""

from __future__ import annotations

import yaml

from engine.spec.nodes import Span

MAX_BYTES = 256 * 1024
MAX_NODES = 20_000
MAX_DEPTH = 50
MAX_ALIASED_NODES = 10_000


def span_of(event: yaml.Event) -> Span:
    """Where in the text an event stands; libyaml gives every event its marks."""
    return Span(event.start_mark.index, event.end_mark.index)  # type: ignore[union-attr] # see above


def _start(event: yaml.Event) -> Span:
    start = span_of(event).start
    return Span(start=start, end=start)


class Refused(Exception):
    """The file breaks one of YAML's rules or ours, at `span`."""

    def __init__(self, rule: str, message: str, span: Span) -> None:
        self.rule = rule
        self.message = message
        self.span = span
        super().__init__(message)


class Meter:
    """Counts what one file has used up; libyaml's time grows with the square of the depth, so it must stop early."""

    def __init__(self) -> None:
        self._nodes = 0
        self._depth = 0
        self._aliased = 0

    def take(self, event: yaml.Event) -> None:
        """Account for one value or key. Raises Refused where there are too many."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise Refused("yaml-limits", f"the file has more than {MAX_NODES:,} YAML elements", _start(event))

    def enter(self, event: yaml.Event) -> None:
        """A map or a list begins. Raises Refused where it stands too deep."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Refused("yaml-limits", f"values are nested deeper than {MAX_DEPTH} levels", _start(event))

    def leave(self) -> None:
        """It ends."""
        self._depth -= 1

    def take_alias(self, nodes: int, at: Span) -> None:
        """Account for an alias that stands for `nodes` values. Raises Refused where the sum is too large."""
        self._aliased += nodes
        if self._aliased > MAX_ALIASED_NODES:
            message = f"aliases expand to more than {MAX_ALIASED_NODES:,} values"
            raise Refused("yaml-limits", message, at)
