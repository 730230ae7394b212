"""What the operators take and give, by kinds, as `engine.core.expressions.operators` has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import product

from engine.spec.typing.kinds import BOOL, Kinds, real

_ORDERED = ("string", "bool", "bytes", "timestamp", "duration")
_ASKED = ("string", "int", "double", "bool")
"""What may be looked for in a map."""


def _same(kinds: Iterable[str]) -> dict[tuple[str, str], str]:
    return {(kind, kind): kind for kind in kinds}


_TIMES = {("timestamp", "duration"): "timestamp", ("duration", "timestamp"): "timestamp"}
_SPANS = {("timestamp", "timestamp"): "duration", ("duration", "duration"): "duration"}
_COMPARED: dict[tuple[str, str], str] = dict.fromkeys(
    [*product(("int", "double"), ("int", "double")), *_same(_ORDERED)], "bool"
)

_RESULTS: Mapping[str, Mapping[tuple[str, str], str]] = {
    "+": {**_same(("int", "double", "string", "bytes", "list", "duration")), **_TIMES},
    "-": {**_same(("int", "double")), **_SPANS, ("timestamp", "duration"): "timestamp"},
    "*": _same(("int", "double")),
    "/": _same(("int", "double")),
    "%": _same(("int",)),
    **dict.fromkeys(("<", "<=", ">", ">="), _COMPARED),
}

ADVICE = {
    "+": "two numbers of one sort, two texts, two lists, or times",
    "-": "two numbers of one sort, or times",
    "*": "two numbers of one sort",
    "/": "two numbers of one sort",
    "%": "two whole numbers",
    **dict.fromkeys(("<", "<=", ">", ">="), "two numbers, two texts or two times"),
}
"""What an operator takes, for people."""


@lru_cache(maxsize=4096)
def result(symbol: str, left: Kinds, right: Kinds) -> Kinds:
    """What `left SYMBOL right` may give; nothing if it can only fail."""
    results = _RESULTS[symbol]
    return frozenset(results[pair] for pair in product(real(left), real(right)) if pair in results)


@lru_cache(maxsize=1024)
def takes_in(left: Kinds, right: Kinds) -> Kinds:
    """What `left in right` may give."""
    looked = "list" in right or ("map" in right and not real(left).isdisjoint(_ASKED))
    return BOOL if looked else frozenset()


@lru_cache(maxsize=4096)
def never_equal(left: Kinds, right: Kinds) -> bool:
    """Whether values of these kinds are never equal. Null says no: comparing with it is how authors ask for it."""
    one, other = real(left), real(right)
    if "null" in one or "null" in other or not one or not other:
        return False
    return one.isdisjoint(other) and not (one & {"int", "double"} and other & {"int", "double"})
