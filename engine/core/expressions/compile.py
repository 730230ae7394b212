"""Turns the stored AST into closures, once for each expression; they run in about a microsecond each few nodes.

The AST is JSON, every node a list `[tag, offset, …]`, offsets counting characters of the source:

    ["const", o, value]             ["name", o, root]              ["var", o, variable]
    ["get", o, base, name]          ["get?", o, base, name]        ["has", o, base, name]
    ["binary", o, symbol, a, b]     ["not", o, a]                  ["neg", o, a]
    ["and", o, a, b]                ["or", o, a, b]                ["if", o, condition, then, else]
    ["list", o, [[node, optional?]…]]                              ["map", o, [[key, value, optional?]…]]
    ["call", o, function, [argument…]]                             ["method", o, name, [receiver, argument…]]
    ["macro", o, name, range, [variable, body…]]                   ["type", o, name]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.core.expressions import literals, logic, macros
from engine.core.expressions.budget import Run
from engine.core.expressions.catalog import FUNCTIONS, LAZY, METHODS, Function
from engine.core.expressions.closures import Closure, placed
from engine.core.expressions.errors import Failure, Stop
from engine.core.expressions.inner import TYPES, kind
from engine.core.expressions.operators import BINARY, has, member, negate, optional_member
from engine.core.values import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A compiled expression; `cost` is what one pass costs without the iterations of its macros."""

    run: Closure
    cost: int
    slots: int


def compile_ast(ast: Json) -> Program:
    """The program of an AST; raises `KeyError` for tags this version does not know."""
    unit = Unit()
    run = unit.closure(ast)
    return Program(run=run, cost=unit.cost, slots=unit.slots)


class Unit:
    """One expression while it is compiled: which slot each variable has, and the cost so far."""

    def __init__(self) -> None:
        self.cost = 0
        self.slots = 0
        self._variables: dict[str, int] = {}

    def closure(self, node: Json) -> Closure:
        """The closure of a node and everything below it."""
        return _COMPILERS[node[0]](self, *node[1:])

    def body(self, variable: str, nodes: list[Json]) -> tuple[int, list[Closure], int]:
        """The slot of a macro's variable, its bodies, and what one iteration costs."""
        slot, self.slots = self.slots, self.slots + 1
        outer_variables, outer_cost = self._variables, self.cost
        self._variables, self.cost = {**outer_variables, variable: slot}, 0
        closures = [self.closure(node) for node in nodes]
        each = self.cost + 1
        self._variables, self.cost = outer_variables, outer_cost
        return slot, closures, each

    def slot(self, variable: str) -> int:
        """Where the innermost variable of that name lives."""
        return self._variables[variable]


def _const(unit: Unit, offset: int, value: Json) -> Closure:  # noqa: ARG001 - all compilers have one shape
    return lambda run: value  # noqa: ARG005


def _type(unit: Unit, offset: int, name: str) -> Closure:  # noqa: ARG001
    value = TYPES[name]
    return lambda run: value  # noqa: ARG005


def _name(unit: Unit, offset: int, name: str) -> Closure:  # noqa: ARG001
    def read(run: Run) -> Json:
        try:
            return run.names[name]
        except KeyError:
            raise Failure(f"{name!r} has no value here", offset) from None

    return read


def _var(unit: Unit, offset: int, name: str) -> Closure:  # noqa: ARG001
    slot = unit.slot(name)
    return lambda run: run.slots[slot]


def _get(unit: Unit, offset: int, base: Json, name: str) -> Closure:
    unit.cost += 1
    closure = unit.closure(base)

    def read(run: Run) -> Json:
        box = closure(run)
        try:
            return member(run, box, name)
        except Failure as failure:
            raise placed(failure, offset) from None

    path = _path(base)
    return read if path is None else _read_path(path[0], (*path[1:], name), read)


def _path(node: Json) -> tuple[str, ...] | None:
    if node[0] == "name":
        return (node[2],)
    if node[0] == "get" and (path := _path(node[2])) is not None:
        return (*path, node[3])
    return None


def _read_path(root: str, keys: tuple[str, ...], careful: Closure) -> Closure:
    """Read `root.key.key` in one go; what is no plain key of a plain map is left to the careful closures."""

    def read(run: Run) -> Json:
        try:
            value = run.names[root]
            for key in keys:
                value = value[key]
        except (KeyError, TypeError):
            return careful(run)
        return value

    return read


def _optional_get(unit: Unit, offset: int, base: Json, name: str) -> Closure:
    return _on_value(unit, offset, base, lambda run, value: optional_member(run, value, name))


def _has(unit: Unit, offset: int, base: Json, name: str) -> Closure:
    return _on_value(unit, offset, base, lambda run, value: has(value, name))  # noqa: ARG005


def _not(unit: Unit, offset: int, operand: Json) -> Closure:
    def invert(run: Run, value: Json) -> bool:  # noqa: ARG001
        if type(value) is not bool:
            raise Failure(f"'!' needs a bool, not {kind(value)}")
        return not value

    return _on_value(unit, offset, operand, invert)


def _neg(unit: Unit, offset: int, operand: Json) -> Closure:
    return _on_value(unit, offset, operand, lambda run, value: negate(value))  # noqa: ARG005


def _on_value(unit: Unit, offset: int, operand: Json, apply: Callable[[Run, Json], Json]) -> Closure:
    unit.cost += 1
    closure = unit.closure(operand)

    def run_it(run: Run) -> Json:
        value = closure(run)
        try:
            return apply(run, value)
        except Stop as stop:
            raise placed(stop, offset) from None

    return run_it


def _binary(unit: Unit, offset: int, symbol: str, left: Json, right: Json) -> Closure:
    unit.cost += 1
    operate, first, second = BINARY[symbol], unit.closure(left), unit.closure(right)

    def run_it(run: Run) -> Json:
        a = first(run)
        b = second(run)
        try:
            return operate(run, a, b)
        except Stop as stop:
            raise placed(stop, offset) from None

    return run_it


def _and(unit: Unit, offset: int, left: Json, right: Json) -> Closure:
    unit.cost += 1
    return logic.decided_by(False, unit.closure(left), unit.closure(right), offset)


def _or(unit: Unit, offset: int, left: Json, right: Json) -> Closure:
    unit.cost += 1
    return logic.decided_by(True, unit.closure(left), unit.closure(right), offset)


def _if(unit: Unit, offset: int, condition: Json, then: Json, otherwise: Json) -> Closure:
    unit.cost += 1
    return logic.choice(unit.closure(condition), unit.closure(then), unit.closure(otherwise), offset)


def _list(unit: Unit, offset: int, items: list[list[Json]]) -> Closure:
    unit.cost += 1 + len(items)
    return literals.make_list([(unit.closure(node), optional) for node, optional in items], offset)


def _map(unit: Unit, offset: int, entries: list[list[Json]]) -> Closure:
    unit.cost += 1 + len(entries)
    parts = [(unit.closure(key), unit.closure(value), optional) for key, value, optional in entries]
    return literals.make_map(parts, offset)


def _call(unit: Unit, offset: int, name: str, arguments: list[Json]) -> Closure:
    return _applied(unit, offset, FUNCTIONS[name], arguments)


def _method(unit: Unit, offset: int, name: str, arguments: list[Json]) -> Closure:
    if name in LAZY:
        unit.cost += 1
        return logic.LAZY_METHODS[name](unit.closure(arguments[0]), unit.closure(arguments[1]), offset)
    return _applied(unit, offset, METHODS[name], arguments)


def _applied(unit: Unit, offset: int, function: Function, arguments: list[Json]) -> Closure:
    if len(arguments) == 1:
        return _on_value(unit, offset, arguments[0], function)
    unit.cost += 1
    closures = [unit.closure(argument) for argument in arguments]

    def run_it(run: Run) -> Json:
        values = [closure(run) for closure in closures]
        try:
            return function(run, *values)
        except Stop as stop:
            raise placed(stop, offset) from None

    return run_it


def _macro(unit: Unit, offset: int, name: str, source: Json, inner: list[Json]) -> Closure:
    unit.cost += 1
    variable, *bodies = inner
    closure = unit.closure(source)
    slot, closures, each = unit.body(variable, bodies)
    loop = macros.Loop(source=closure, slot=slot, bodies=tuple(closures), each=each, offset=offset)
    return macros.CLOSURES[name](loop)


_COMPILERS: Mapping[str, Callable[..., Closure]] = {
    "const": _const,
    "type": _type,
    "name": _name,
    "var": _var,
    "get": _get,
    "get?": _optional_get,
    "has": _has,
    "not": _not,
    "neg": _neg,
    "binary": _binary,
    "and": _and,
    "or": _or,
    "if": _if,
    "list": _list,
    "map": _map,
    "call": _call,
    "method": _method,
    "macro": _macro,
}
