"""Lays a file out anew, and proves that it says the same as before."""

from __future__ import annotations

import yaml

from engine.core.values import Json
from engine.spec.document import read
from engine.spec.findings import Finding
from engine.spec.formatting.layout import Layout
from engine.spec.formatting.order import LIST, OTHER, place
from engine.spec.formatting.units import Unformattable, comments, units_of
from engine.spec.load import is_loaded, is_project
from engine.spec.nodes import Document, Mapping, Node, Path, Scalar


def formatted(path: str, data: bytes) -> str | list[Finding]:
    """The text of a file as it should be, or why it cannot be read. Raises Unformattable.

    The values stay what they are, in their order where that matters, and so does every comment.
    """
    found = read(path, data)
    if not isinstance(found, Document):
        return found
    text = found.source.text.replace("\r\n", "\n").replace("\r", "\n")
    document = read(path, text.encode())
    if not isinstance(document, Document):
        return document
    workflow = is_loaded(path) and not is_project(path)
    _refuse_unknown(document)
    made = Layout(text, workflow=workflow).file(*units_of(document))
    _prove(document, read(path, made.encode()), workflow=workflow)
    return made


def _refuse_unknown(document: Document) -> None:
    for token in yaml.scan(document.source.text, Loader=yaml.CSafeLoader):
        if isinstance(token, yaml.AnchorToken | yaml.AliasToken):
            raise Unformattable("it has anchors or aliases")
        if isinstance(token, yaml.DocumentStartToken | yaml.DocumentEndToken | yaml.DirectiveToken):
            raise Unformattable("it has signs of a document or directives")
        if isinstance(token, yaml.KeyToken) and document.source.text.startswith("?", token.start_mark.index):
            raise Unformattable("it has keys with a `?` before them")


def _prove(before: Document, after: Document | list[Finding], *, workflow: bool) -> None:
    if not isinstance(after, Document):
        raise Unformattable(f"it would not be read: {after[0].message}")
    if _told(before.root, (), workflow=workflow) != _told(after.root, (), workflow=workflow):
        raise Unformattable("its values would change")
    if sorted(comment.text for comment in comments(before)) != sorted(comment.text for comment in comments(after)):
        raise Unformattable("its comments would change")


def _told(node: Node, path: Path, *, workflow: bool) -> Json:
    """All that a file says: its values with their types, keys in their order but where that is ours."""
    if isinstance(node, Scalar):
        return [type(node.value).__name__, node.value]
    if not isinstance(node, Mapping):
        return [_told(item, (*path, ""), workflow=workflow) for item in node.items]
    entries = [[key, _told(entry.node, (*path, key), workflow=workflow)] for key, entry in node.entries.items()]
    return (
        sorted(entries, key=lambda entry: str(entry[0])) if workflow and place(path) not in (OTHER, LIST) else entries
    )
