"""Splits CEL source into tokens, to bound it before the library sees it and to place its names exactly."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

DEPTH = 32
"""How deep brackets may nest; the library's parser stops at the same depth."""

TERNARIES = 32
"""How many `?:` one expression may have: they nest to the right without a bracket."""

_TOKEN = re.compile(
    r"""
      (?P<space>  [ \t\r\n\f]+ | //[^\n]* )
    | (?P<raw>    (?:[rR][bB]?|[bB][rR]) (?: "{3}[\s\S]*?"{3} | '{3}[\s\S]*?'{3} | "[^"\r\n]*" | '[^'\r\n]*' ) )
    | (?P<string> [bB]?
                  (?: \"{3}(?:[^\\]|\\[\s\S])*?\"{3} | '{3}(?:[^\\]|\\[\s\S])*?'{3}
                    | "(?!"")(?:[^"\\\r\n]|\\.)*" | '(?!'')(?:[^'\\\r\n]|\\.)*' | ""(?!") | ''(?!') ) )
    | (?P<number> 0[xX][0-9a-fA-F]+[uU]? | (?:[0-9]+\.)?[0-9]+(?:[eE][+-]?[0-9]+)?[uU]? | \.[0-9]+(?:[eE][+-]?[0-9]+)? )
    | (?P<word>   [A-Za-z_][A-Za-z0-9_]* )
    | (?P<quoted> `[^`\r\n]*` )
    | (?P<mark>   && | \|\| | [=!<>]= | [-+*/%<>!?:.,()\[\]{}] )
    """,
    re.VERBOSE,
)
_STRINGS = frozenset(("string", "raw"))
_OPENING = {"(": ")", "[": "]", "{": "}"}


class CelSyntaxError(Exception):
    """The source is no expression of this language; `offset` counts characters from its start."""

    def __init__(self, offset: int, message: str) -> None:
        self.offset = offset
        self.message = message
        super().__init__(message)


class Token(NamedTuple):
    """A word, quoted word, number, string or mark; spaces and comments are left out."""

    kind: str
    text: str
    start: int


def tokens(source: str) -> list[Token]:
    """All tokens of `source`; raises `CelSyntaxError` for what no token begins with and for too deep nesting."""
    found = list(_scan(source))
    _check_nesting(found)
    return found


def string_end(source: str, at: int) -> int | None:
    """Where the string literal that begins at `at` ends, or None if none begins there."""
    match = _TOKEN.match(source, at)
    return match.end() if match and match.lastgroup in _STRINGS else None


def _scan(source: str) -> Iterator[Token]:
    at = 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        kind = match.lastgroup if match else None
        if match is None or kind is None:
            raise _unreadable(source, at)
        if kind != "space":
            yield Token("string" if kind == "raw" else kind, match.group(), at)
        at = match.end()


def _unreadable(source: str, at: int) -> CelSyntaxError:
    char = source[at]
    if char in "'\"":
        return CelSyntaxError(at, "this string is not closed")
    if char == "`":
        return CelSyntaxError(at, "this name in backticks is not closed")
    hints = {"=": "; to compare, write '=='", "&": "; 'and' is '&&'", "|": "; 'or' is '||'"}
    return CelSyntaxError(at, f"unexpected character {char!r}{hints.get(char, '')}")


def _check_nesting(found: list[Token]) -> None:
    expected: list[tuple[str, int]] = []
    ternaries = 0
    for before, token in zip([None, *found], found, strict=False):
        if token.kind != "mark":
            continue
        if token.text in _OPENING:
            expected.append((_OPENING[token.text], token.start))
            if len(expected) > DEPTH:
                raise CelSyntaxError(token.start, f"brackets nest deeper than {DEPTH}")
        elif token.text in ")]}":
            if not expected or expected.pop()[0] != token.text:
                raise CelSyntaxError(token.start, f"{token.text!r} closes nothing here")
        elif token.text == "?" and before is not None and before.text not in {".", "[", "{", ","}:
            ternaries += 1
            if ternaries > TERNARIES:
                raise CelSyntaxError(token.start, f"more than {TERNARIES} '?:' in one expression")
    if expected:
        raise CelSyntaxError(expected[-1][1], f"this bracket is never closed; {expected[-1][0]!r} is missing")
