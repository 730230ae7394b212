"""What stands in git is read by everybody who ever clones it: a secret that was committed is one no more."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.lint.rule import Hit, Rule
from engine.lint.tokens import tokens
from engine.spec.load import Loaded
from engine.spec.nodes import Document, Mapping, Node, Scalar, Span

_WORDS = (
    "password",
    "passwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "privatekey",
    "private_key",
    "accesskey",
    "access_key",
)
_NAME = re.compile(rf"(?:.*_)?(?:{'|'.join(_WORDS)})")
_MAYBE = {
    word: re.compile(rf"{word}['\"]?[ \t]*:[ \t]*(?![ \t]*['\"]?\$)") for word in (*_WORDS, "api-key", "authorization")
}
"""Somewhere in the file there is such a key with a value of its own. Most files have none, and are not looked through."""
_MIXED = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[^\s/${}<>\\]{8,}")
"""What a key of such a name holds if it is one: no path, no address, no word, no name of a variable."""
_SIGNS = re.compile(r"(?=.*[^\w.:/-])[^\s/${}<>\\]{8,}")
"""What a password can be as well."""
_LABEL = re.compile(r"[a-z]+(?:[-_.][a-z]+)*(?:[-_.]?v?[0-9]{1,3})?")
"""What is called a secret or a key may be the name of one: `db-credentials-v2`. A password has no name."""
_HARMLESS = re.compile(r"(?i:example)|[A-Z][A-Z0-9_]*$")
_AUTHORIZATION = re.compile(r"(?:Bearer|Basic|Token) [^\s${}<>]{8,}", re.IGNORECASE)
_PLACES = ("env", "with", "vars")


def check_all(loaded: Loaded) -> Iterator[tuple[Document, Hit]]:
    """Each text that has the form of a known kind of secret, and each value of a key that is called like one."""
    for document in loaded.documents.values():
        text = document.source.text
        named = dict(_named(document.root, within=False)) if _may_name(text.lower()) else {}
        for span, what in {**named, **dict(tokens(text))}.items():
            message = f"this looks like a {what}; let the workers' environment hold it, and read it as `secrets.NAME`"
            yield document, Hit(path=(), span=span, message=message)


def _may_name(text: str) -> bool:
    return any(word in text and pattern.search(text) for word, pattern in _MAYBE.items())


def _named(node: Node, *, within: bool) -> Iterator[tuple[Span, str]]:
    """Values in `env`, `with` and `vars` whose key says that they are secret."""
    if isinstance(node, Scalar):
        return
    if not isinstance(node, Mapping):
        for item in node.items:
            yield from _named(item, within=within)
        return
    for key, entry in node.entries.items():
        value = entry.node
        if within and isinstance(value, Scalar) and _is_held(key, value):
            yield value.span, "password" if "pass" in key.lower() else "secret"
        yield from _named(value, within=within or key in _PLACES)


def _is_held(key: str, value: Scalar) -> bool:
    text = value.value
    if not isinstance(text, str) or any(tokens(text)):
        return False
    if key.lower() == "authorization":
        return bool(_AUTHORIZATION.fullmatch(text))
    if not _NAME.fullmatch(key.lower().replace("-", "_")) or _HARMLESS.match(text):
        return False
    if "pass" in key.lower():
        return bool(_MIXED.fullmatch(text) or _SIGNS.fullmatch(text))
    return bool(_MIXED.fullmatch(text) and not _LABEL.fullmatch(text))


RULE = Rule(
    id="plain-secret",
    summary="A secret stands in the file.",
    severity="warning",
    why=(
        "Everybody who ever clones the repository has it, and removing the line does not take it back: replace it where it "
        "came from. Tokens are found by their form, anywhere in a file; other values where their key in `env`, `with` or "
        "`vars` is called a password, secret, token or key."
    ),
    before="""\
name: bad
tasks:
  load: {run: make load, env: {DB_PASSWORD: correct-horse-7, DB_URL: "postgresql://loader:staple8@db.example.com/sales"}}
""",
    after="""\
name: good
tasks:
  load: {run: make load, env: {DB_PASSWORD: "${{ secrets.DB_PASSWORD }}", DB_URL: "postgresql://loader@db.example.com/sales"}}
""",
    check_all=check_all,
)
