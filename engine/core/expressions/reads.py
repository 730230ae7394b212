"""Which expressions a template has, and what they read."""

from __future__ import annotations

from collections.abc import Iterator

from engine.core.expressions.model import Expression, ListOf, Literal, MapOf, Template, Text

_NOTHING: frozenset[tuple[str, ...]] = frozenset()


def expressions(template: Template) -> Iterator[Expression]:
    """Every expression of a template, in the order of the file."""
    match template:
        case Literal():
            return
        case Expression():
            yield template
        case Text():
            yield from (part for part in template.parts if isinstance(part, Expression))
        case ListOf():
            for item in template.items:
                yield from expressions(item)
        case MapOf():
            for _, item in template.items:
                yield from expressions(item)


def refs(template: Template) -> frozenset[tuple[str, ...]]:
    """All paths the expressions of a template read."""
    if isinstance(template, Literal):
        return _NOTHING
    return frozenset(ref for expression in expressions(template) for ref in expression.refs)


def reads_secrets(template: Template) -> bool:
    """Whether a template can only be rendered in the worker, just before the task runs."""
    return any(expression.reads_secrets for expression in expressions(template))
