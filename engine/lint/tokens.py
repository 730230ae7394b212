"""The forms of well-known tokens, which no other text has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from engine.spec.nodes import Span


class _Form(NamedTuple):
    """A kind of token. A text without the `clue` has none: looking for it first costs next to nothing."""

    name: str
    clue: str
    pattern: re.Pattern[str]


_FORMS = tuple(
    _Form(name, clue, re.compile(pattern))
    for name, clue, pattern in (
        ("AWS access key", "AKIA", r"\bAKIA[0-9A-Z]{16}\b"),
        ("AWS access key", "ASIA", r"\bASIA[0-9A-Z]{16}\b"),
        *(("GitHub token", f"gh{kind}_", rf"\bgh{kind}_[A-Za-z0-9]{{36,}}") for kind in "pousr"),
        ("GitHub token", "github_pat_", r"\bgithub_pat_[A-Za-z0-9_]{60,}"),
        ("GitLab token", "glpat-", r"\bglpat-[A-Za-z0-9_-]{20,}"),
        ("Slack token", "xox", r"\bxox[abeoprs]-[0-9A-Za-z-]{10,}"),
        (
            "Slack webhook",
            "hooks.slack.com",
            r"https://hooks\.slack\.com/services/T[0-9A-Z]+/B[0-9A-Z]+/[0-9A-Za-z]{20,}",
        ),
        ("Stripe key", "k_live_", r"\b[sr]k_live_[0-9A-Za-z]{20,}"),
        ("Google API key", "AIza", r"\bAIza[0-9A-Za-z_-]{35}"),
        ("npm token", "npm_", r"\bnpm_[A-Za-z0-9]{36}\b"),
        ("PyPI token", "pypi-AgE", r"\bpypi-AgEIcHlwaS[A-Za-z0-9_-]{50,}"),
        ("SendGrid key", "SG.", r"\bSG\.[\w-]{22}\.[\w-]{43}"),
        ("signed token", "eyJ", r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}"),
        ("private key", "PRIVATE KEY-----", r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"),
        ("password in a URL", "@", r"(?<=://)[^\s:/@'\"]*:(?P<held>[^\s/@'\"$<>{}*]{3,})@[^\s@]"),
    )
)


def tokens(text: str) -> Iterator[tuple[Span, str]]:
    """Where in a text something has the form of a token, and of which. Those in documentation say EXAMPLE."""
    for name, clue, pattern in _FORMS:
        for match in pattern.finditer(text) if clue in text else ():
            if "EXAMPLE" not in match[0]:
                yield Span(*match.span("held" if "held" in pattern.groupindex else 0)), name
