"""Bounds that a YAML file must keep, checked while its events come in, before anything is built from them."""

from __future__ import annotations

import yaml

MAX_BYTES = 256 * 1024
MAX_EVENTS = 20_000
MAX_DEPTH = 50
MAX_ALIASED_NODES = 10_000


class Refused(Exception):
    """The file breaks one of YAML's rules or ours; `start` and `end` are offsets into its text."""

    def __init__(self, rule: str, message: str, start: int, end: int | None = None) -> None:
        self.rule = rule
        self.message = message
        self.start = start
        self.end = start if end is None else end
        super().__init__(message)


class Meter:
    """Counts what one file has used up; libyaml's time grows with the square of the depth, so it must stop early."""

    def __init__(self) -> None:
        self._events = 0
        self._depth = 0
        self._aliased = 0

    def take(self, event: yaml.Event) -> None:
        """Account for one event. Raises Refused where a bound is passed."""
        self._events += 1
        at = event.start_mark.index
        if self._events > MAX_EVENTS:
            raise Refused("yaml-limits", f"the file has more than {MAX_EVENTS:,} YAML elements", at)
        if isinstance(event, yaml.CollectionStartEvent):
            self._depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            self._depth -= 1
        if self._depth > MAX_DEPTH:
            raise Refused("yaml-limits", f"values are nested deeper than {MAX_DEPTH} levels", at)

    def take_alias(self, nodes: int, start: int, end: int) -> None:
        """Account for an alias that stands for `nodes` values. Raises Refused where the sum is too large."""
        self._aliased += nodes
        if self._aliased > MAX_ALIASED_NODES:
            message = f"aliases expand to more than {MAX_ALIASED_NODES:,} values"
            raise Refused("yaml-limits", message, start, end)
