"""The types of calls and macros: what a function needs, and what comes out beyond the kinds its signature names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from engine.core.values import Json
from engine.spec.typing.kinds import ANYTHING, NUMBER, Kinds
from engine.spec.typing.problems import source_of, told
from engine.spec.typing.signatures import FUNCTIONS, METHODS, ZONED, Signature
from engine.spec.typing.types import UNKNOWN, Type, either, element_of, list_of, only, optional

_SORTED: Kinds = frozenset(("int", "double", "bool", "string", "bytes", "timestamp", "duration"))
_ANY_NUMBER: Kinds = NUMBER | {"whole"}
_TEXT: Kinds = frozenset(("string",))
_ELEMENTS = {"join": _TEXT, "sort": _SORTED}
_EXTREMES = frozenset(("math.greatest", "math.least"))
_BRACKETED = frozenset(("filter", "sortBy"))


class Notes(Protocol):
    """Where calls note what is wrong: the checker."""

    def need(self, node: Json, at: Json, known: Type, needed: Kinds, who: str) -> bool: ...
    def fails(self, node: Json, at: Json, message: str, suggestion: str | None = None) -> Type: ...


def applied(notes: Notes, node: Json, known: Sequence[Type]) -> Type:
    """The type of `name(…)` or `value.name(…)`."""
    tag, _, name, arguments = node
    if name in _EXTREMES:
        return _extreme(notes, node, known)
    signature = (FUNCTIONS if tag == "call" else METHODS)[name]
    if name == "or" and "optional" in known[0].kinds and "optional" not in known[1].kinds and known[1].kinds:
        message = f"{told(arguments[1], known[1])}; or() takes another optional, orValue() takes a value"
        return notes.fails(node, arguments[1], message, "orValue")
    fits = [
        notes.need(node, argument, each, needed, f"{name}()")
        for argument, each, needed in zip(arguments, known, _parameters(name, signature, known), strict=False)
    ]
    if not all(fits):
        return UNKNOWN
    if name in _ELEMENTS and not _holds(notes, node, known[0], _ELEMENTS[name]):
        return UNKNOWN
    refine = _REFINED.get(name)
    return refine(*known) if refine else _given(signature.gives)


def looped(notes: Notes, node: Json, item: Type, body: Type) -> Type:
    """The type of a macro whose variable holds `item` and whose last body gives `body`."""
    name, last = node[2], node[4][-1]
    if name == "map":
        return list_of(body)
    if name == "optMap":
        return optional(body)
    if name == "optFlatMap":
        return body if notes.need(node, last, body, only("optional").kinds, "optFlatMap()") else UNKNOWN
    if name == "sortBy":
        notes.need(node, last, body, _SORTED, "sortBy()")
    return list_of(item) if name in _BRACKETED else only("bool")


def _parameters(name: str, signature: Signature, known: Sequence[Type]) -> Sequence[Kinds]:
    """What each parameter takes: with a time zone behind it `getHours()` is asked of a time, not of a span."""
    if name in ZONED and len(known) > 1 and "null" not in known[1].kinds:
        return (only("timestamp").kinds, *signature.parameters[1:])
    return signature.parameters


def _given(kinds: Kinds) -> Type:
    return UNKNOWN if kinds is ANYTHING else Type(kinds=kinds)


def _holds(notes: Notes, node: Json, box: Type, needed: Kinds) -> bool:
    """Whether the elements of a list may be what the function needs."""
    element = element_of(box)
    if box.kinds != {"list"} or element.unknown or element.kinds & (needed | {"whole"} & _whole(needed)):
        return True
    message = f"{told(node[3][0], box)} of {_plural(element)}; {node[2]}() needs {_NEEDED[node[2]]}"
    source = source_of(node[3][0])
    mended = f"{source}.map(x, string(x))" if source and node[2] == "join" else None
    notes.fails(node, node[3][0], message, mended if _writable(element) else None)
    return False


def _whole(needed: Kinds) -> Kinds:
    return frozenset(("whole",)) if needed & NUMBER else frozenset()


_NEEDED = {
    "join": "a list of text",
    "sort": "elements that have an order; sortBy() sorts by one of their members",
    **dict.fromkeys(_EXTREMES, "numbers"),
}


def _plural(element: Type) -> str:
    names = {"string": "texts", "map": "maps", "list": "lists", "bool": "booleans", "null": "nulls"}
    if element.kinds <= _ANY_NUMBER:
        return "numbers"
    return " or ".join(names.get(kind, f"{kind}s") for kind in sorted(element.kinds))


def _writable(element: Type) -> bool:
    return element.kinds <= _ANY_NUMBER | {"bool"}


def _extreme(notes: Notes, node: Json, known: Sequence[Type]) -> Type:
    """`math.greatest` and `math.least`."""
    if len(known) == 1 and "list" in known[0].kinds:
        return Type(kinds=NUMBER) if _holds(notes, node, known[0], NUMBER) else UNKNOWN
    needed = NUMBER | {"list"} if len(known) == 1 else NUMBER
    fits = [notes.need(node, at, each, needed, f"{node[2]}()") for at, each in zip(node[3], known, strict=True)]
    if not all(fits):
        return UNKNOWN
    kinds: Kinds = frozenset().union(*(each.kinds & _ANY_NUMBER for each in known))
    return Type(kinds=kinds)


def _same(box: Type, *rest: Type) -> Type:  # noqa: ARG001 - refinements get what the function gets
    return list_of(element_of(box) if "list" in box.kinds else UNKNOWN)


def _reversed(value: Type) -> Type:
    kinds = value.kinds & {"list", "string"}
    return Type(kinds=kinds, element=element_of(value) if "list" in kinds else None)


def _number(value: Type) -> Type:
    return Type(kinds=value.kinds & _ANY_NUMBER)


def _opened(box: Type) -> Type:
    return element_of(box) if "optional" in box.kinds else UNKNOWN


_REFINED: Mapping[str, Callable[..., Type]] = {
    "lists.range": lambda count: list_of(only("int")),  # noqa: ARG005
    "math.abs": _number,
    "math.sign": _number,
    "optional.of": optional,
    "optional.none": lambda: optional(UNKNOWN),
    "optional.ofNonZeroValue": optional,
    "split": lambda *taken: list_of(only("string")),  # noqa: ARG005
    "slice": _same,
    "distinct": _same,
    "sort": _same,
    "reverse": _reversed,
    "flatten": lambda *taken: list_of(UNKNOWN),  # noqa: ARG005
    "first": lambda box: optional(element_of(box)),
    "last": lambda box: optional(element_of(box)),
    "value": _opened,
    "orValue": lambda box, other: either(_opened(box), other),
    "or": lambda box, other: optional(either(_opened(box), _opened(other))),
}
"""What comes out of functions whose result depends on what goes in."""
