"""Evaluates stored expressions: a value, a condition, or the values that were read."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import TypeVar

from engine.core.expressions.budget import RESULT_BYTES, STEPS, Run
from engine.core.expressions.compile import Program, compile_ast
from engine.core.expressions.errors import EvaluationError, Exhausted, Failure, Stop
from engine.core.expressions.inner import kind
from engine.core.expressions.model import Expression, Position
from engine.core.expressions.results import to_json
from engine.core.values import Json

_PROGRAMS_KEPT = 4096
_programs: dict[str, Program] = {}
_T = TypeVar("_T")


def evaluate(expression: Expression, names: Mapping[str, Json], *, most: int = RESULT_BYTES) -> Json:
    """The value of `expression` as JSON of at most so many bytes; raises `EvaluationError` with its place."""
    return _run(expression, names, to_json if most == RESULT_BYTES else lambda value: to_json(value, most))


def condition(expression: Expression, names: Mapping[str, Json]) -> bool:
    """The value of an expression that must be true or false; raises `EvaluationError` for any other."""
    return _run(expression, names, _bool)


def values_read(expression: Expression, names: Mapping[str, Json]) -> dict[str, Json]:
    """What stands at each path the expression reads, by its dotted path; absent ones are left out."""
    found = {}
    for ref in expression.refs:
        value: Json = names
        for key in ref:
            if not isinstance(value, Mapping) or key not in value:
                break
            value = value[key]
        else:
            found[".".join(ref)] = value
    return found


def position_of(expression: Expression, offset: int) -> Position | None:
    """Where in the workflow file the character at `offset` stands, if the expression knows its file."""
    line = bisect_right(expression.starts, offset, key=lambda start: start[0]) - 1
    if line < 0:
        return None
    begin, position = expression.starts[line]
    return Position(line=position.line, column=position.column + offset - begin)


def _bool(value: Json) -> bool:
    if type(value) is bool:
        return value
    raise Failure(f"a condition must be true or false, and this is {kind(value)}")


def _run(expression: Expression, names: Mapping[str, Json], finish: Callable[[Json], _T]) -> _T:
    program = _programs.get(expression.source) or _compiled(expression)
    try:
        return finish(program.run(Run(names, program.slots, STEPS - program.cost)))
    except Stop as stop:
        offset = max(stop.offset, 0)
        raise EvaluationError(
            kind="budget" if isinstance(stop, Exhausted) else "expression",
            message=stop.message,
            offset=offset,
            position=position_of(expression, offset),
        ) from None


def _compiled(expression: Expression) -> Program:
    """Compile and keep; a full cache starts anew, which costs less than to keep an order."""
    program = compile_ast(expression.ast)
    if len(_programs) >= _PROGRAMS_KEPT:
        _programs.clear()
    _programs[expression.source] = program
    return program
