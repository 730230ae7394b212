"""Finds where in a file the cursor is, also while what is around it is no YAML yet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from engine.spec.document import read
from engine.spec.nodes import Document, Mapping, Node, Path, Scalar, Span

MARK = "zcursorz"
"""A word that nobody writes: it stands where the cursor is, and is looked for in the tree."""

_WORD = re.compile(r"[\w-]*")
_ENDS = ("", ":", " }}", ' }}"', '"', "'")
"""What may have to follow the cursor before the text can be read."""

_SAYS_WHAT = re.compile(r"\s*(?:- +)?(?:uses|workflow): *[\w-]+ *$")
"""Keys beside those around the cursor that say what these may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """The place of the cursor: `path` of the value, or of the map whose key is typed; `before` and `scalar` are the value's."""

    document: Document
    path: Path
    word: Span
    is_key: bool
    before: str = ""
    scalar: Scalar | None = None


def find(name: str, text: str, offset: int) -> Cursor | None:
    """Where the cursor is; None where the file cannot be read with whatever is missing there."""
    start = offset - len(_backwards(text[:offset]))
    word = Span(start, start + len(_forwards(text, start)))
    for head, tail in _texts(text, word):
        closing = _closing(head.rpartition("\n")[2])
        for end in dict.fromkeys(end + more for end in _ENDS for more in ("", closing)):
            document = read(name, f"{head}{MARK}{end}{tail}".encode(errors="replace"))
            if isinstance(document, Document):
                found = next(_marked(document, document.root, (), word), None)
                if found is not None:
                    return found
    return None


def _backwards(text: str) -> str:
    return text[len(text.rstrip("-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")) :]


def _forwards(text: str, start: int) -> str:
    found = _WORD.match(text, start)
    return found.group() if found else ""


def _texts(text: str, word: Span) -> Iterator[tuple[str, str]]:
    """The text around the cursor: all of it, less what follows, less what is not around the cursor's line."""
    head, tail = text[: word.start], text[word.end :]
    rest, line, _ = tail.partition("\n")
    yield head, tail
    yield head, rest + line
    *before, last = head.split("\n")
    kept: list[str] = []
    depth = len(last) - len(last.lstrip())
    for each in reversed(before):
        indent = len(each) - len(each.lstrip())
        around = each.strip() and not each.lstrip().startswith("#") and indent < depth
        if around or (indent == depth and _SAYS_WHAT.match(each)):
            kept.append(each)
            depth = indent
    skeleton = "".join(f"{each}\n" for each in reversed(kept)) + last
    yield skeleton, rest
    yield skeleton, ""


def _closing(line: str) -> str:
    """The brackets that the line leaves open, closed."""
    left: list[str] = []
    for character in line.replace("${{", ""):
        if character in "[{":
            left.append("]" if character == "[" else "}")
        elif left and character == left[-1]:
            left.pop()
    return "".join(reversed(left))


def _marked(document: Document, node: Node, path: Path, word: Span) -> Iterator[Cursor]:
    if isinstance(node, Scalar):
        if MARK in node.text:
            before = node.text.partition(MARK)[0]
            yield Cursor(document=document, path=path, word=word, is_key=False, before=before, scalar=node)
    elif isinstance(node, Mapping):
        for key, entry in node.entries.items():
            if MARK in key:
                yield Cursor(document=document, path=path, word=word, is_key=True)
            yield from _marked(document, entry.node, (*path, key), word)
    else:
        for index, item in enumerate(node.items):
            yield from _marked(document, item, (*path, index), word)
