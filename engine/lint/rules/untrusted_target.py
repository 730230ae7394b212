"""Who can call a webhook must not choose the program that runs, or the server that is called, behind our walls."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from engine.core.expressions.model import Expression, Literal, MapOf, Template, Text
from engine.core.expressions.reads import refs
from engine.core.model import Definition
from engine.core.values import JsonObject
from engine.lint.compiled import leaf_at, parameter
from engine.lint.rule import Hit, Rule, Subject
from engine.spec.walk import every_leaf

_TARGETS = {"container": ("image", "entrypoint"), "http": ("url",)}
_SERVER = re.compile(r"[a-z]+://[^/?#@]+[/?#]")
_BOUNDS = ("enum", "const", "pattern")
_FREE = ("string", None)


def check(subject: Subject) -> Iterator[Hit]:
    """Each image, entrypoint or server that the body of a webhook decides, through an input or at once."""
    definition = subject.definition
    if not definition.webhooks:
        return
    outside = _from_outside(definition)
    for path, keys in every_leaf(subject.keys):
        for name in _TARGETS.get(keys.uses or "", ()):
            template = parameter(leaf_at(definition, path), name)
            for ref in () if template is None else _deciding(template):
                if ref[0] == "trigger" or ref[:2] in outside:
                    message = (
                        f'who calls the webhook decides this by "{".".join(ref)}"; bound it by `enum` or `pattern`'
                    )
                    yield Hit(path=(*path, "with", name), message=message, at_key=False)
                    break


def _from_outside(definition: Definition) -> set[tuple[str, ...]]:
    """The inputs that a webhook fills with whatever it was sent."""
    schemas: Mapping[str, JsonObject] = definition.inputs.get("properties", {})
    found: set[tuple[str, ...]] = set()
    for webhook in definition.webhooks:
        given = webhook.inputs.items if isinstance(webhook.inputs, MapOf) else ()
        for name, template in given:
            if _is_free(schemas.get(name, {})) and any(ref[0] == "trigger" for ref in refs(template)):
                found.add(("inputs", name))
    return found


def _is_free(schema: JsonObject) -> bool:
    return schema.get("type") in _FREE and not any(word in schema for word in _BOUNDS)


def _deciding(template: Template) -> list[tuple[str, ...]]:
    """What is read by the part of a text that says where it leads: of a URL all before its path."""
    if isinstance(template, Literal):
        return []
    parts = template.parts if isinstance(template, Text) else (template,)
    found: list[tuple[str, ...]] = []
    before = ""
    for part in parts:
        if _SERVER.match(before):
            break
        if isinstance(part, str):
            before += part
        elif isinstance(part, Expression):
            found += part.refs
            before += "x"
    return found


RULE = Rule(
    id="untrusted-target",
    summary="The body of a webhook decides which image runs or which server is called.",
    severity="warning",
    why=(
        "A signature says who sent the call, not that all it says is harmless: branch names and titles are written by "
        "anybody. Where such text decides what runs or where a request goes, bound the input by `enum` or `pattern`, or "
        "let it fill in only a part that cannot lead elsewhere."
    ),
    before="""\
name: bad
inputs: {host: {type: string}}
on: {webhook: [{source: github, inputs: {host: "${{ trigger.body.host }}"}}]}
tasks:
  call: {uses: http, with: {url: "https://${{ inputs.host }}/deploy"}}
""",
    after="""\
name: good
inputs: {host: {type: string, pattern: "^[a-z]+[.]example[.]com$"}}
on: {webhook: [{source: github, inputs: {host: "${{ trigger.body.host }}"}}]}
tasks:
  call: {uses: http, with: {url: "https://${{ inputs.host }}/deploy"}}
""",
    check=check,
)
