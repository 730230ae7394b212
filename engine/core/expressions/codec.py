"""Templates and expressions as compact JSON, the form every stored definition has them in.

expression  [source, ast, [[name…]…], [[offset, line, column]…]]
template    ["=", value] | ["$", expression] | ["t", [text | expression…]] | ["l", [template…]] | ["m", [[key, template]…]]
"""

from __future__ import annotations

from engine.core.expressions.model import Expression, ListOf, Literal, MapOf, Position, Template, Text
from engine.core.values import Json


def expression_to_json(expression: Expression) -> Json:
    """The stored form of an expression."""
    starts = [[offset, position.line, position.column] for offset, position in expression.starts]
    return [expression.source, expression.ast, [list(ref) for ref in expression.refs], starts]


def expression_from_json(stored: Json) -> Expression:
    """The expression of its stored form."""
    source, ast, refs, starts = stored
    return Expression(
        source=source,
        ast=ast,
        refs=tuple(tuple(ref) for ref in refs),
        starts=tuple((offset, Position(line=line, column=column)) for offset, line, column in starts),
    )


def template_to_json(template: Template) -> Json:
    """The stored form of a template."""
    match template:
        case Literal():
            return ["=", template.value]
        case Expression():
            return ["$", expression_to_json(template)]
        case Text():
            return ["t", [part if isinstance(part, str) else expression_to_json(part) for part in template.parts]]
        case ListOf():
            return ["l", [template_to_json(item) for item in template.items]]
        case MapOf():
            return ["m", [[key, template_to_json(item)] for key, item in template.items]]


def template_from_json(stored: Json) -> Template:
    """The template of its stored form; raises `ValueError` for a tag this version does not know."""
    tag, content = stored
    match tag:
        case "=":
            return Literal(value=content)
        case "$":
            return expression_from_json(content)
        case "t":
            return Text(parts=tuple(part if isinstance(part, str) else expression_from_json(part) for part in content))
        case "l":
            return ListOf(items=tuple(template_from_json(item) for item in content))
        case "m":
            return MapOf(items=tuple((key, template_from_json(item)) for key, item in content))
        case _:
            msg = f"a template of the unknown kind {tag!r}"
            raise ValueError(msg)
