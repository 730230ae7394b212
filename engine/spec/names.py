"""Finds the names an expression may not read: unknown ones, and ones that may be absent where they are used.

The scope is a tree like a JSON Schema. `{"type": "object", "properties": {…}}` knows all its members unless it has
`additionalProperties`; everything else is open. Two keywords of ours list members that may be absent: `x-maybe`, those
a skipped task lacks (its outcome can prove them), and `x-optional`, those a schema neither requires nor defaults.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeAlias

from engine.core.values import Json
from engine.spec.absence import Facts, fact_path, facts, proven
from engine.spec.cel_paths import children
from engine.spec.typing.types import MAPS

Scope: TypeAlias = Mapping[str, Json]

_ANY: Mapping[str, Json] = {}
_SHOWN = 6
_SAME = frozenset(("reverse", "distinct", "sort", "slice"))
"""Methods that give a list of the same elements."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NameProblem:
    """A name that is unknown or may be absent; offset and length count characters of the source."""

    offset: int
    length: int
    message: str
    suggestion: str | None = None


def check_names(ast: Json, scope: Scope) -> list[NameProblem]:
    """What is wrong with the names of one parsed expression, in the order of the source."""
    checker = _Checker(scope)
    checker.walk(ast, _OUTSIDE)
    return sorted(checker.problems, key=lambda problem: problem.offset) if checker.problems else []


class _Value(NamedTuple):
    """What is known of a node's value; `optional` if it is wrapped in one."""

    schema: Mapping[str, Json] = _ANY
    optional: bool = False


_ANYTHING = _Value()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """The variables in scope and what is proven to be present."""

    variables: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    known: Facts = frozenset()

    def given(self, more: Facts) -> _Place:
        return replace(self, known=self.known | more)

    def within(self, variable: str, schema: Mapping[str, Json]) -> _Place:
        hidden = frozenset(fact for fact in self.known if fact[0] == f"var:{variable}")
        return _Place(variables={**self.variables, variable: schema}, known=self.known - hidden)


_OUTSIDE = _Place()


class _Checker:
    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.problems: list[NameProblem] = []

    def walk(self, node: Json, place: _Place) -> _Value:
        """Check a node and everything below it."""
        match node[0]:
            case "name":
                return self._whole_name(node)
            case "var":
                return _Value(schema=place.variables[node[2]])
            case "get" | "get?" | "has":
                return self._member(node, node[2], (node[1], len(node[3])), node[3], place)
            case "binary" if node[2] in {"[]", "[?]"}:
                return self._index(node, place)
            case "and" | "or" | "if":
                return self._branches(node, place)
            case "macro":
                return self._macro(node, place)
            case "method":
                return self._method(node, place)
        for child in children(node):
            self.walk(child, place)
        return _ANYTHING

    def _whole_name(self, node: Json) -> _Value:
        if node[2] == "secrets":
            self._note(node[1], len(node[2]), "secrets are read one by one, as secrets.NAME", None)
            return _ANYTHING
        return self._root(node)

    def _root(self, node: Json) -> _Value:
        return _Value(self._step(self._scope, node[2], (node[1], len(node[2])), None))

    def _member(self, node: Json, base: Json, span: tuple[int, int], key: str, place: _Place) -> _Value:
        value = self._root(base) if base[0] == "name" else self.walk(base, place)
        schema = self._step(value.schema, key, span, base)
        asks = node[0] in {"get?", "has"} or (node[0] == "binary" and node[2] == "[?]")
        if not asks and not value.optional and _may_be_absent(value.schema, key):
            self._check_present(value.schema, (fact_path(base), key), span, place)
        return _ANYTHING if node[0] == "has" else _Value(schema, asks or value.optional)

    def _check_present(
        self,
        schema: Mapping[str, Json],
        what: tuple[tuple[str, ...] | None, str],
        span: tuple[int, int],
        place: _Place,
    ) -> None:
        base, key = what
        by_outcome = key not in schema.get("x-optional", ())
        if base is not None and proven((*base, key), place.known, by_outcome=by_outcome):
            return
        shown = ".".join((*(base or ()), key)).removeprefix("var:")
        ways = f"test it with has({shown})" + (", test the outcome of its task," if by_outcome else "")
        self._note(*span, f"{shown!r} may be absent: {ways} or read .?{key}.orValue(...)", None)

    def _index(self, node: Json, place: _Place) -> _Value:
        _, _, symbol, base, key = node
        if key[0] == "const" and isinstance(key[2], str):
            return self._member(node, base, (key[1], len(key[2]) + 2), key[2], place)
        value = self.walk(base, place)
        self.walk(key, place)
        return _Value(schema=_element(value.schema), optional=value.optional or symbol == "[?]")

    def _branches(self, node: Json, place: _Place) -> _Value:
        tag, _, condition, *rest = node
        self.walk(condition, place)
        if tag != "if":
            self.walk(rest[0], place.given(facts(condition, tag == "and")))
            return _ANYTHING
        then = self.walk(rest[0], place.given(facts(condition, True)))
        otherwise = self.walk(rest[1], place.given(facts(condition, False)))
        return then if then == otherwise else _Value(optional=then.optional or otherwise.optional)

    def _macro(self, node: Json, place: _Place) -> _Value:
        _, _, name, source, (variable, *bodies) = node
        box = self.walk(source, place)
        over_optional = name in {"optMap", "optFlatMap"}
        inner = place.within(variable, box.schema if over_optional else _element(box.schema))
        results = []
        for body in bodies:
            results.append(self.walk(body, inner))
            inner = inner.given(facts(body, True))
        if over_optional:
            return _Value(schema=results[-1].schema, optional=True)
        if name == "map":
            return _Value(schema={"type": "array", "items": results[-1].schema})
        return _Value(schema={"type": "array", "items": _element(box.schema)} if name in {"filter", "sortBy"} else _ANY)

    def _method(self, node: Json, place: _Place) -> _Value:
        _, _, name, (receiver, *arguments) = node
        value = self.walk(receiver, place)
        for argument in arguments:
            self.walk(argument, place)
        if name in {"orValue", "value"}:
            return _Value(schema=value.schema)
        if name == "or" or name in _SAME:
            return value
        if name in {"first", "last"}:
            return _Value(schema=_element(value.schema), optional=True)
        return _ANYTHING

    def _step(
        self, schema: Mapping[str, Json], key: str, span: tuple[int, int], base: Json | None
    ) -> Mapping[str, Json]:
        """The schema of a member, of a name where there is no base; notes a member that a closed object does not have."""
        if not _is(schema, "object"):
            return _ANY
        properties = schema.get("properties")
        if not isinstance(properties, MAPS):
            return _additional(schema)
        if key in properties:
            return _schema(properties[key])
        if schema.get("additionalProperties"):
            return _additional(schema)
        close = difflib.get_close_matches(key, list(properties), 1)
        known = ", ".join(list(properties)[:_SHOWN]) + (", …" if len(properties) > _SHOWN else "")
        hint = "" if close else f"; there is {known}" if known else ""
        self._note(*span, f"there is no {key!r} {_shown(base)}{hint}", close[0] if close else None)
        return _ANY

    def _note(self, offset: int, length: int, message: str, suggestion: str | None) -> None:
        self.problems.append(NameProblem(offset=offset, length=length, message=message, suggestion=suggestion))


def _shown(base: Json | None) -> str:
    """Where a name was looked for, for people."""
    path = None if base is None else fact_path(base)
    return "here" if base is None else f"in {'.'.join(path).removeprefix('var:') if path else 'it'}"


def _may_be_absent(schema: Mapping[str, Json], key: str) -> bool:
    return key in schema.get("x-maybe", ()) or key in schema.get("x-optional", ())


def _is(schema: Mapping[str, Json], kind: str) -> bool:
    declared = schema.get("type")
    return declared == kind or (isinstance(declared, list) and kind in declared and set(declared) <= {kind, "null"})


def _schema(found: Json) -> Mapping[str, Json]:
    return found if isinstance(found, MAPS) else _ANY


def _additional(schema: Mapping[str, Json]) -> Mapping[str, Json]:
    return _schema(schema.get("additionalProperties"))


def _element(schema: Mapping[str, Json]) -> Mapping[str, Json]:
    """What `x[i]` gives, and what the variable of a macro over `x` holds."""
    return _schema(schema.get("items")) if _is(schema, "array") else _ANY
