"""Makes our own syntax tree from the library's: names and variables told apart, macros kept whole, calls checked."""

from __future__ import annotations

import difflib
import math
from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

from engine.core.expressions.catalog import FUNCTIONS, LAZY, MACROS, METHODS, NAMESPACES, Arity, arity
from engine.core.expressions.inner import TYPES
from engine.core.values import Json
from engine.spec import cel_wire as wire
from engine.spec.cel_tokens import CelSyntaxError, Token

DEPTH = 32
"""How deep the tree may be; no written condition comes near it."""

_BINARY = {f"_{symbol}_": symbol for symbol in ("+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=")}
_BINARY |= {"@in": "in", "_[_]": "[]", "_[?_]": "[?]"}
_REFUSED = {
    "uint": "there are no unsigned numbers here; use int(...)",
    "cel.bind": "cel.bind is not part of this language; put the value into a task of kind 'values'",
}


class _Where(NamedTuple):
    """The variables that stand around a node, and how much deeper the tree may go below it."""

    variables: frozenset[str]
    depth: int

    def deeper(self) -> _Where:
        return _Where(variables=self.variables, depth=self.depth - 1)

    def within(self, variable: str) -> _Where:
        return _Where(variables=self.variables | {variable}, depth=self.depth)


class TreeMaker:
    """Turns the parsed form of one source into the AST that `engine.core.expressions.compile` documents."""

    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._starts = [token.start for token in found]

    def make(self, node: wire.Node) -> Json:
        """The AST; raises `CelSyntaxError` for what this language does not have."""
        return self._node(node, _Where(variables=frozenset(), depth=DEPTH))

    def _node(self, node: wire.Node, where: _Where) -> Json:
        if where.depth == 0:
            raise CelSyntaxError(node.at, f"the expression nests deeper than {DEPTH}; split it into several values")
        match node:
            case wire.Constant():
                return self._constant(node)
            case wire.Name():
                return self._name(node, where.variables)
            case wire.Select():
                return ["get", self._member_at(node.at), self._node(node.base, where.deeper()), node.name]
            case wire.Call():
                return self._call(node, where)
            case wire.Items():
                items = [self._node(item, where.deeper()) for item in node.items]
                return ["list", node.at, [[item, place in node.optional] for place, item in enumerate(items)]]
            case wire.Entries():
                entries = [
                    [self._node(key, where.deeper()), self._node(value, where.deeper()), optional]
                    for key, value, optional in node.entries
                ]
                return ["map", node.at, entries]
            case wire.Message():
                raise CelSyntaxError(node.at, f"{node.name}{{…}} makes a message, which this language does not have")

    def _constant(self, node: wire.Constant) -> Json:
        if node.kind == "uint":
            raise CelSyntaxError(node.at, "there are no unsigned numbers here; leave out the 'u'")
        if node.kind == "bytes":
            raise CelSyntaxError(node.at, "there are no bytes literals here; use bytes('...')")
        if node.kind == "double" and not math.isfinite(node.value):
            raise CelSyntaxError(node.at, "this number is too large for a double")
        if node.kind == "string" and "\0" in node.value:
            raise CelSyntaxError(node.at, "text may not have a NUL character")
        return ["const", node.at, node.value]

    def _name(self, node: wire.Name, variables: frozenset[str]) -> Json:
        name = node.name.removeprefix(".")
        if name in variables and not node.name.startswith("."):
            return ["var", node.at, name]
        if name in TYPES:
            return ["type", node.at, name]
        return ["name", node.at, name]

    def _call(self, node: wire.Call, where: _Where) -> Json:
        special = self._operator(node, where)
        if special is not None:
            return special
        at, name = self._called(node)
        if node.target is None and name == "has":
            return self._has(node, at, where)
        full = self._namespaced(node, name, where.variables)
        if full is not None:
            return self._function(node, at - len(full) + len(name), full, where)
        if node.target is None:
            return self._function(node, at, name, where)
        if name in MACROS:
            return self._macro(node, at, name, where)
        return self._method(node, at, name, where)

    def _operator(self, node: wire.Call, where: _Where) -> Json | None:
        if node.function in _BINARY:
            left, right = self._nodes(node.arguments, where)
            return ["binary", node.at, _BINARY[node.function], left, right]
        match node.function:
            case "_&&_" | "_||_" as symbol:
                return ["and" if symbol == "_&&_" else "or", node.at, *self._nodes(node.arguments, where)]
            case "_?_:_":
                return ["if", node.at, *self._nodes(node.arguments, where)]
            case "!_":
                return ["not", node.at, *self._nodes(node.arguments, where)]
            case "-_":
                return ["neg", node.at, *self._nodes(node.arguments, where)]
            case "_?._":
                base, name = node.arguments
                if not isinstance(name, wire.Constant):
                    return None
                return ["get?", self._member_at(node.at), self._node(base, where.deeper()), name.value]
        return None

    def _has(self, node: wire.Call, at: int, where: _Where) -> Json:
        select = node.arguments[0] if len(node.arguments) == 1 else None
        if not isinstance(select, wire.Select):
            raise CelSyntaxError(at, "has() takes one member, as in has(inputs.service)")
        return ["has", self._member_at(select.at), self._node(select.base, where.deeper()), select.name]

    def _namespaced(self, node: wire.Call, name: str, variables: frozenset[str]) -> str | None:
        """`math.abs` for the call of a function with a namespace, None for all others."""
        target = node.target
        if not isinstance(target, wire.Name) or target.name in variables:
            return None
        full = f"{target.name}.{name}"
        if full in FUNCTIONS or full in _REFUSED:
            return full
        known_method = name in METHODS or name in MACROS or name in LAZY  # of a value that is called like a namespace
        return full if target.name in NAMESPACES and not known_method else None

    def _function(self, node: wire.Call, at: int, name: str, where: _Where) -> Json:
        if name in _REFUSED:
            raise CelSyntaxError(at, _REFUSED[name])
        if name not in FUNCTIONS:
            if name in METHODS or name in MACROS or name in LAZY:
                raise CelSyntaxError(at, f"{name}() stands behind a value: value.{name}(...)")
            raise CelSyntaxError(at, f"there is no function {name}(){_meant(name, [*FUNCTIONS, 'has'])}")
        _check_count(at, name, len(node.arguments), arity(FUNCTIONS[name]), receiver=0)
        return ["call", at, name, self._nodes(node.arguments, where)]

    def _method(self, node: wire.Call, at: int, name: str, where: _Where) -> Json:
        if name in LAZY:
            expected = Arity(least=1 + LAZY[name], most=1 + LAZY[name])
        elif name in METHODS:
            expected = arity(METHODS[name])
        elif name in FUNCTIONS or name == "has":
            raise CelSyntaxError(at, f"{name}() does not stand behind a value: {name}(value)")
        else:
            misspelt = f"{node.target.name}.{name}" if isinstance(node.target, wire.Name) else name
            hint = _meant(misspelt, FUNCTIONS) or _meant(name, [*METHODS, *MACROS, *LAZY])
            raise CelSyntaxError(at, f"there is no function {name}(){hint}")
        _check_count(at, name, 1 + len(node.arguments), expected, receiver=1)
        return ["method", at, name, self._nodes(_operands(node), where)]

    def _macro(self, node: wire.Call, at: int, name: str, where: _Where) -> Json:
        bodies = MACROS[name].bodies
        if len(node.arguments) - 1 not in bodies:
            counts = " or ".join(str(count + 1) for count in bodies)
            raise CelSyntaxError(at, f"{name}() takes {counts} arguments: a variable, then what to do with it")
        target, variable, *rest = _operands(node)
        if not isinstance(variable, wire.Name) or variable.name.startswith("."):
            raise CelSyntaxError(variable.at, f"the first argument of {name}() is the name of a new variable")
        source = self._node(target, where.deeper())
        inner = where.within(variable.name)
        return ["macro", at, name, source, [variable.name, *self._nodes(rest, inner)]]

    def _nodes(self, nodes: Iterable[wire.Node], where: _Where) -> list[Json]:
        deeper = where.deeper()
        return [self._node(node, deeper) for node in nodes]

    def _called(self, node: wire.Call) -> tuple[int, str]:
        """Where the name of the called function stands, and the name as written: the library places calls at their '('."""
        token = self._tokens[bisect_left(self._starts, node.at) - 1]
        return token.start, token.text

    def _member_at(self, at: int) -> int:
        """Where the name behind the dot at `at` stands."""
        place = bisect_left(self._starts, at) + 1
        while place < len(self._tokens) and self._tokens[place].kind == "mark":
            place += 1
        return self._starts[place] if place < len(self._starts) else at


def _operands(node: wire.Call) -> tuple[wire.Node, ...]:
    """The receiver, if there is one, and the arguments."""
    return node.arguments if node.target is None else (node.target, *node.arguments)


def _meant(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {close[0]}()?" if close else ""


def _check_count(at: int, name: str, given: int, expected: Arity, *, receiver: int) -> None:
    if given < expected.least or (expected.most is not None and given > expected.most):
        least = expected.least - receiver
        if expected.most is None:
            wanted = f"at least {least}"
        elif expected.most == expected.least:
            wanted = str(least)
        else:
            wanted = f"{least} to {expected.most - receiver}"
        raise CelSyntaxError(
            at, f"{name}() takes {wanted} argument{'' if wanted == '1' else 's'}, not {given - receiver}"
        )
