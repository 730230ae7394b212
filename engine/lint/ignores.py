"""Comments with which an author says that a finding is known and stays: `# headrace: ignore[rule-id] reason`."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from engine.spec.nodes import LINE_BREAK, Document, Scalar, Span
from engine.spec.walk import every_scalar

_COMMENT = re.compile(
    r"(?:(?<=[ \t])|^)#[ \t]*headrace:[ \t]*(?P<how>ignore(?:-file)?)(?![\w-])"
    r"(?:[ \t]*\[(?P<rules>[^\]\r\n]*)\])?(?P<reason>[^\r\n]*)",
    re.MULTILINE,
)
_RULE = re.compile(r"[^\s,]+")
_BLOCK = ("|", ">")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignore:
    """One such comment: the rules it names with their places, and the line it is about (None: all of the file)."""

    span: Span
    rules: tuple[tuple[str, Span], ...]
    reason: str
    line: int | None


def ignores(document: Document) -> Iterator[Ignore]:
    """Every comment of this form, as it is written, right or not."""
    text = document.source.text
    if "headrace:" not in text:
        return
    texts, lines = _texts(document), _lines(text)
    for match in _COMMENT.finditer(text):
        nearest = bisect_right(texts, (match.start(), len(text))) - 1
        if nearest >= 0 and match.start() < texts[nearest][1]:
            continue  # a part of a script or of a quoted text, which is no comment
        at = match.start("rules")
        named = _RULE.finditer(match["rules"] or "")
        line = lines[document.source.position(match.start()).line - 1]
        yield Ignore(
            span=Span(start=match.start(), end=match.end()),
            rules=tuple((name[0], Span(start=at + name.start(), end=at + name.end())) for name in named),
            reason=match["reason"].strip(" \t:-"),
            line=None if match["how"] == "ignore-file" else line,
        )


def whole(text: str, ignore: Ignore) -> Span:
    """What goes when the comment goes: the blanks before it too, or all of the line that it has to itself."""
    start, end = ignore.span.start, ignore.span.end
    while start and text[start - 1] in " \t":
        start -= 1
    if start and text[start - 1] not in "\r\n":
        return Span(start=start, end=end)
    after = LINE_BREAK.match(text, end)
    return Span(start=start, end=after.end() if after else end)


def _lines(text: str) -> list[int]:
    """What a comment on each line is about: that line, or, where it stands alone, the next one that says something."""
    lines = LINE_BREAK.split(text)
    about = list(range(1, len(lines) + 1))
    for index in range(len(lines) - 2, -1, -1):
        if lines[index].lstrip(" \t")[:1] in ("", "#"):
            about[index] = about[index + 1]
    return about


def _texts(document: Document) -> list[tuple[int, int]]:
    """From where to where `#` belongs to a text, in order."""
    return sorted({_inside(document.source.text, scalar) for _, scalar in every_scalar(document.root)})


def _inside(text: str, scalar: Scalar) -> tuple[int, int]:
    """All of a scalar, but of a block what comes after its first line: beside its sign there can be a comment."""
    start, end = scalar.span.start, scalar.span.end
    if scalar.style in _BLOCK:
        first = LINE_BREAK.search(text, start, end)
        start = first.start() if first else end
    return start, end
