"""A policy: which servers may be called."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.core.expressions.errors import EvaluationError
from engine.core.expressions.evaluate import evaluate
from engine.core.expressions.model import Expression, Literal, Template, Text
from engine.core.values import JsonObject
from engine.lint.compiled import leaf_at, parameter
from engine.lint.rule import Hit, Rule, Subject
from engine.spec.walk import every_leaf

_HOST = re.compile(r"\s*https?://(?:[^/?#@\\]*@)?([^/?#@:\\\x00]+)(?::[0-9]*)?(?:[/?#]|$)", re.IGNORECASE)
_UNKNOWN = "\0"
"""Stands for what is only known when it runs."""


def check(subject: Subject) -> Iterator[Hit]:
    """Each request to a server that is not allowed, or that is only known when it runs."""
    allowed = subject.policies.allowed_hosts
    for path, keys in every_leaf(subject.keys) if allowed is not None else ():
        url = parameter(leaf_at(subject.definition, path), "url") if keys.uses == "http" else None
        if url is None:
            continue
        found = _HOST.match(_written(url, subject.definition.vars))
        if found is None:
            message = (
                "project.yaml limits the servers that may be called, and which one this is shows only when it runs"
            )
            yield Hit(path=(*path, "with", "url"), message=message, at_key=False)
        elif not any(_fits(found[1].lower().rstrip("."), host) for host in allowed or ()):
            yield Hit(
                path=(*path, "with", "url"), message=f'project.yaml does not allow calls to "{found[1]}"', at_key=False
            )


def _written(url: Template, known: JsonObject) -> str:
    """The URL with the values of `vars` filled in."""
    if isinstance(url, Literal):
        return str(url.value)
    parts = url.parts if isinstance(url, Text) else (url,)
    return "".join(part if isinstance(part, str) else _value(part, known) for part in parts)


def _value(template: Template, known: JsonObject) -> str:
    if not isinstance(template, Expression) or not template.refs or any(ref[0] != "vars" for ref in template.refs):
        return _UNKNOWN
    try:
        return str(evaluate(template, {"vars": known}))
    except EvaluationError:
        return _UNKNOWN


def _fits(host: str, allowed: str) -> bool:
    return host.endswith(allowed[1:]) if allowed.startswith("*.") else host == allowed


RULE = Rule(
    id="forbidden-host",
    summary="A policy does not allow calls to this server.",
    severity="error",
    why=(
        "`policies.allowed_hosts` has the only servers that `http` may call; `*.example.com` stands for all below "
        "example.com. The server must be seen in the file, or come from `vars`. What scripts and containers call is not seen."
    ),
    before="""\
name: bad
inputs: {host: {type: string}}
tasks:
  told: {uses: http, with: {url: "https://hooks.example.org/done"}}
  asked: {uses: http, with: {url: "https://${{ inputs.host }}/done"}}
""",
    after="""\
name: good
inputs: {page: {type: string}}
tasks:
  told: {uses: http, with: {url: "https://hooks.example.com/done"}}
  asked: {uses: http, with: {url: "https://example.com/${{ inputs.page }}"}}
""",
    check=check,
)
