"""What stands in git is read by everybody who ever clones it: a secret that was committed is one no more."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.lint.rule import Hit, Rule
from engine.spec.load import Loaded
from engine.spec.nodes import Document, Mapping, Node, Scalar, Span

_KNOWN = {
    "AWS access key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})",
    "GitLab token": r"\bglpat-[A-Za-z0-9_-]{20,}",
    "Slack token": r"\bxox[abeoprs]-[0-9A-Za-z-]{10,}",
    "Slack webhook": r"https://hooks\.slack\.com/services/T[0-9A-Z]+/B[0-9A-Z]+/[0-9A-Za-z]{20,}",
    "Stripe key": r"\b[sr]k_live_[0-9A-Za-z]{20,}",
    "Google API key": r"\bAIza[0-9A-Za-z_-]{35}",
    "npm token": r"\bnpm_[A-Za-z0-9]{36}\b",
    "PyPI token": r"\bpypi-AgEIcHlwaS[A-Za-z0-9_-]{50,}",
    "SendGrid key": r"\bSG\.[\w-]{22}\.[\w-]{43}",
    "signed token": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}",
    "private key": r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----",
    "password in a URL": r"\b[a-z][a-z0-9+]*://[^\s:/@'\"]*:(?P<password>[^\s/@'\"$<>{}*]{3,})@[^\s@]",
}
_TOKEN = re.compile("|".join(f"(?P<g{index}>{pattern})" for index, pattern in enumerate(_KNOWN.values())))
_NAME = re.compile(r"(?:.*[_-])?(?:password|passwd|secret|token|api_?key|private_?key|access_?key)", re.IGNORECASE)
_HELD = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[^\s/${}<>\\]{8,}|(?=.*[^\w.:/-])[^\s/${}<>\\]{8,}")
"""What a key of such a name holds if it is one: no path, no address, no word, no name of a variable."""
_HARMLESS = re.compile(r"(?i:example)|[A-Z][A-Z0-9_]*$")
_AUTHORIZATION = re.compile(r"(?:Bearer|Basic|Token) [^\s${}<>]{8,}", re.IGNORECASE)
_PLACES = ("env", "with", "vars")
_CLUES = (
    "AKIA",
    "ASIA",
    "gh",
    "_pat_",
    "glpat-",
    "xox",
    "hooks.slack",
    "k_live_",
    "AIza",
    "npm_",
    "pypi-",
    "SG.",
    "eyJ",
    "-----BEGIN",
    "://",
)


def check_all(loaded: Loaded) -> Iterator[tuple[Document, Hit]]:
    """Each text that has the form of a known kind of secret, and each value of a key that is called like one."""
    for document in loaded.documents.values():
        for span, what in (*_tokens(document.source.text), *_named(document.root, within=False)):
            message = f"this looks like a {what}; let the workers' environment hold it, and read it as `secrets.NAME`"
            yield document, Hit(path=(), span=span, message=message)


def _tokens(text: str) -> Iterator[tuple[Span, str]]:
    if not any(clue in text for clue in _CLUES):
        return
    names = list(_KNOWN)
    for match in _TOKEN.finditer(text):
        group = "password" if match["password"] else 0
        if "EXAMPLE" not in match[0]:
            yield Span(match.start(group), match.end(group)), names[int(str(match.lastgroup)[1:])]


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
    if not isinstance(text, str) or _TOKEN.search(text):
        return False
    if key.lower() == "authorization":
        return bool(_AUTHORIZATION.fullmatch(text))
    return bool(_NAME.fullmatch(key) and _HELD.fullmatch(text) and not _HARMLESS.match(text))


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
