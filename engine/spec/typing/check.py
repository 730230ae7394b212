"""Walks a parsed expression and notes what can only fail: an operator, function or member that its values do not have.

A value has the kinds that its schema allows. Something is noted only where none of them would do, so whatever is not
known, or may be of several kinds, is left to the run. It never evaluates anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from engine.core.values import Json
from engine.spec.typing import calls, comparing
from engine.spec.typing.expected import Expected
from engine.spec.typing.kinds import BOOL, BOXES, NUMBER, Kinds, real, words
from engine.spec.typing.operators import ADVICE, result
from engine.spec.typing.problems import TypeProblem, converted, misfit, told
from engine.spec.typing.types import UNKNOWN, Type, either, element_of, list_of, member_of, of_schema, only, optional

Variables = Mapping[str, Type]
_CONSTANTS = {type(None): "null", bool: "bool", int: "int", float: "double", str: "string"}
_PREDICATES = frozenset(("all", "exists", "exists_one", "filter"))
_OPTIONAL_MACROS = frozenset(("optMap", "optFlatMap"))


def check_types(ast: Json, scope: Mapping[str, Json], expected: Expected) -> list[TypeProblem]:
    """What is wrong with the types of one parsed expression and with its result, in the order of the source."""
    checker = Checker(scope)
    found = checker.type_of(ast, {})
    problem = expected.problem(ast, found)
    if problem is not None:
        checker.problems.append(problem)
    return sorted(checker.problems, key=lambda each: each.offset) if checker.problems else []


def type_in(ast: Json, scope: Mapping[str, Json]) -> Type:
    """The type of one parsed expression, whatever is wrong with it."""
    return Checker(scope).type_of(ast, {})


class Checker:
    """The types of one expression's nodes; a node that fails is noted once and unknown from there on."""

    def __init__(self, scope: Mapping[str, Json]) -> None:
        self._scope = of_schema(scope)
        self.problems: list[TypeProblem] = []

    def type_of(self, node: Json, variables: Variables) -> Type:
        """The type of a node; checks it and everything below it."""
        return _NODES[node[0]](self, node, variables)

    def need(self, node: Json, at: Json, known: Type, needed: Kinds, who: str) -> bool:
        """Whether the value `at` may be what `who` needs; notes it if not."""
        if not known.kinds or not real(known.kinds).isdisjoint(real(needed)):
            return True
        message = f"{told(at, known)}; {who} needs {words(needed)}"
        self.problems.append(misfit(node, at, message, converted(at, known, needed)))
        return False

    def fails(self, node: Json, at: Json, message: str, suggestion: str | None = None) -> Type:
        """Note that `node` always fails."""
        self.problems.append(misfit(node, at, message, suggestion))
        return UNKNOWN

    def _const(self, node: Json, variables: Variables) -> Type:  # noqa: ARG002 - all nodes have one shape
        return only(_CONSTANTS[type(node[2])])

    def _type(self, node: Json, variables: Variables) -> Type:  # noqa: ARG002
        return only("type")

    def _name(self, node: Json, variables: Variables) -> Type:  # noqa: ARG002
        return member_of(self._scope, node[2])

    def _var(self, node: Json, variables: Variables) -> Type:
        return variables.get(node[2], UNKNOWN)

    def _get(self, node: Json, variables: Variables) -> Type:
        base = self.type_of(node[2], variables)
        found = _member(base, node[3], asks=node[0] != "get")
        if found is None:
            return self.fails(node, node[2], f'{told(node[2], base)}; it has no member "{node[3]}"')
        return only("bool") if node[0] == "has" else found

    def _binary(self, node: Json, variables: Variables) -> Type:
        left, right = self.type_of(node[3], variables), self.type_of(node[4], variables)
        symbol = node[2]
        if symbol in {"[]", "[?]"}:
            return self._index(node, left, right)
        if symbol in {"==", "!=", "in"}:
            return comparing.compared(self, node, left, right)
        kinds = result(symbol, left.kinds, right.kinds)
        if not kinds:
            message = f"{told(node[3], left)} and {told(node[4], right)}; {symbol!r} takes {ADVICE[symbol]}"
            return self.fails(node, node, message, comparing.repaired(node, left, right))
        if "list" in kinds:
            return Type(kinds=kinds, element=either(element_of(left), element_of(right)))
        return Type(kinds=kinds)

    def _index(self, node: Json, base: Type, key: Type) -> Type:
        name = node[4][2] if node[4][0] == "const" and isinstance(node[4][2], str) else None
        found = _indexed(base, key, name, asks=node[2] == "[?]")
        if found is not None:
            return found
        if base.kinds.isdisjoint({"list", "map", "optional"}):
            return self.fails(node, node[3], f"{told(node[3], base)}; '[ ]' looks into a list or a map")
        wanted = "whole numbers" if "list" in base.kinds else "text"
        places = "places" if "list" in base.kinds else "keys"
        return self.fails(node, node[4], f"{told(node[3], base)}; its {places} are {wanted}, and {told(node[4], key)}")

    def _junction(self, node: Json, variables: Variables) -> Type:
        symbol = "&&" if node[0] == "and" else "||"
        for operand in node[2:]:
            self.need(node, operand, self.type_of(operand, variables), BOOL, f"'{symbol}'")
        return only("bool")

    def _not(self, node: Json, variables: Variables) -> Type:
        self.need(node, node[2], self.type_of(node[2], variables), BOOL, "'!'")
        return only("bool")

    def _neg(self, node: Json, variables: Variables) -> Type:
        operand = self.type_of(node[2], variables)
        if not self.need(node, node[2], operand, NUMBER, "'-'"):
            return UNKNOWN
        return Type(kinds=operand.kinds & (NUMBER | {"whole"}))

    def _if(self, node: Json, variables: Variables) -> Type:
        self.need(node, node[2], self.type_of(node[2], variables), BOOL, "'?:'")
        return either(self.type_of(node[3], variables), self.type_of(node[4], variables))

    def _list(self, node: Json, variables: Variables) -> Type:
        found: Type | None = None
        for item, lenient in node[2]:
            known = self._perhaps(node, item, variables, lenient=lenient)
            found = known if found is None else either(found, known)
        return list_of(found or UNKNOWN)

    def _map(self, node: Json, variables: Variables) -> Type:
        members: dict[str, Type] = {}
        fixed = not any(lenient for _, _, lenient in node[2])
        for key, value, lenient in node[2]:
            known = self.type_of(key, variables)
            self.need(node, key, known, only("string").kinds, "the key of a map")
            inner = self._perhaps(node, value, variables, lenient=lenient)
            if key[0] == "const" and isinstance(key[2], str):
                members[key[2]] = inner
            else:
                fixed = False
        return Type(kinds=only("map").kinds, members=members if fixed else None)

    def _perhaps(self, node: Json, item: Json, variables: Variables, *, lenient: bool) -> Type:
        """An item of a literal, or what the optional behind a `?` holds."""
        known = self.type_of(item, variables)
        if not lenient:
            return known
        return element_of(known) if self.need(node, item, known, only("optional").kinds, "'?'") else UNKNOWN

    def _call(self, node: Json, variables: Variables) -> Type:
        known = [self.type_of(argument, variables) for argument in node[3]]
        return calls.applied(self, node, known)

    def _macro(self, node: Json, variables: Variables) -> Type:
        _, _, name, source, (variable, *bodies) = node
        box = self.type_of(source, variables)
        needed = only("optional").kinds if name in _OPTIONAL_MACROS else BOXES
        if name == "sortBy":
            needed = only("list").kinds
        fits = self.need(node, source, box, needed, f"{name}()")
        item = _went_through(box, needed) if fits else UNKNOWN
        inner = {**variables, variable: item}
        known = [self.type_of(body, inner) for body in bodies]
        if name in _PREDICATES or len(bodies) > 1:
            self.need(node, bodies[0], known[0], BOOL, f"the condition of {name}()")
        return calls.looped(self, node, item, known[-1]) if fits else UNKNOWN


def _member(base: Type, name: str, *, asks: bool) -> Type | None:
    """`base.name`, or `base.?name` if it `asks`; None where it can only fail."""
    if base.unknown:
        return optional(UNKNOWN) if asks else UNKNOWN
    found: list[Type | None] = []
    if "map" in base.kinds:
        plain = member_of(base, name)
        found.append(optional(plain) if asks else plain)
    if "optional" in base.kinds:
        found.append(_member(element_of(base), name, asks=True))
    return _any_of(found)


def _indexed(base: Type, key: Type, name: str | None, *, asks: bool) -> Type | None:
    """`base[key]`, or `base[?key]` if it `asks`; None where it can only fail."""
    if base.unknown:
        return optional(UNKNOWN) if asks else UNKNOWN
    keys = real(key.kinds)
    found: list[Type | None] = []
    if "map" in base.kinds and ("string" in keys or (asks and keys & (NUMBER | BOOL))):
        found.append(member_of(base, name))
    if "list" in base.kinds and keys & NUMBER:
        found.append(element_of(base))
    if asks:
        found = [each and optional(each) for each in found]
    if "optional" in base.kinds:
        found.append(_indexed(element_of(base), key, name, asks=True))
    return _any_of(found)


def _any_of(found: Iterable[Type | None]) -> Type | None:
    known = [each for each in found if each is not None]
    if not known:
        return None
    first, *rest = known
    for each in rest:
        first = either(first, each)
    return first


def _went_through(box: Type, needed: Kinds) -> Type:
    """What the variable of a macro holds."""
    if box.unknown:
        return UNKNOWN
    found = [element_of(box)] if (box.kinds & needed) - {"map"} else []
    if "map" in box.kinds & needed:
        found.append(only("string"))
    return _any_of(found) or UNKNOWN


_NODES: Mapping[str, Callable[[Checker, Json, Variables], Type]] = {
    "const": Checker._const,  # noqa: SLF001 - its own methods
    "type": Checker._type,  # noqa: SLF001
    "name": Checker._name,  # noqa: SLF001
    "var": Checker._var,  # noqa: SLF001
    **dict.fromkeys(("get", "get?", "has"), Checker._get),  # noqa: SLF001
    "binary": Checker._binary,  # noqa: SLF001
    **dict.fromkeys(("and", "or"), Checker._junction),  # noqa: SLF001
    "not": Checker._not,  # noqa: SLF001
    "neg": Checker._neg,  # noqa: SLF001
    "if": Checker._if,  # noqa: SLF001
    "list": Checker._list,  # noqa: SLF001
    "map": Checker._map,  # noqa: SLF001
    **dict.fromkeys(("call", "method"), Checker._call),  # noqa: SLF001
    "macro": Checker._macro,  # noqa: SLF001
}
"""How each node of `engine.core.expressions.compile` is checked."""
