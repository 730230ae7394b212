"""Walks our syntax tree: the nodes below a node, and the paths of names an expression reads."""

from __future__ import annotations

from engine.core.values import Json


def references(ast: Json) -> tuple[tuple[str, ...], ...]:
    """The paths an AST reads, each as far as its names go, in order of appearance and without repetition."""
    found: dict[tuple[str, ...], None] = {}
    _collect(ast, found)
    return tuple(found)


def path_of(node: Json) -> tuple[str, ...] | None:
    """`("tasks", "build")` for a node that is a name with members known from the text, None for all others."""
    if node[0] == "name":
        return (node[2],)
    if node[0] in {"get", "get?", "has"}:
        base, key = path_of(node[2]), node[3]
    elif node[0] == "binary" and node[2] in {"[]", "[?]"} and node[4][0] == "const" and isinstance(node[4][2], str):
        base, key = path_of(node[3]), node[4][2]
    else:
        return None
    return None if base is None else (*base, key)


def _collect(node: Json, found: dict[tuple[str, ...], None]) -> None:
    path = path_of(node)
    if path is not None:
        found[path] = None
        return
    for child in children(node):
        _collect(child, found)


def children(node: Json) -> list[Json]:
    """The nodes right below a node, in the order of the source."""
    match node[0]:
        case "const" | "name" | "var" | "type":
            return []
        case "get" | "get?" | "has" | "not" | "neg":
            return [node[2]]
        case "binary":
            return [node[3], node[4]]
        case "list":
            return [item for item, _ in node[2]]
        case "map":
            return [part for key, value, _ in node[2] for part in (key, value)]
        case "call" | "method":
            return list(node[3])
        case "macro":
            return [node[3], *node[4][1:]]
        case _:
            return list(node[2:])
