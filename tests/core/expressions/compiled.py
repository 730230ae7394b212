"""Expressions as the loader makes them, for tests."""

from __future__ import annotations

from engine.core.expressions.model import Expression
from engine.spec.cel import parse


def expression(source, starts=()):
    parsed = parse(source)
    return Expression(source=source, ast=parsed.ast, refs=parsed.refs, starts=tuple(starts))
