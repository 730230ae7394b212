"""What a workflow's text compiles to, held against its stored form on the way."""

import orjson

from engine.core.codec import definition_from_json, definition_to_json
from engine.core.expressions.reads import expressions
from engine.spec.load import load

PROJECT = b"""
time_zone: Europe/Paris
people: {ana: {email: ana@example.com}}
channels: {releases: {kind: log}}
secrets: [TOKEN]
vars: {sha: abc}
"""


def compiled(text, **others):
    """The definition of the workflow in `text`, which must have no findings of severity error."""
    loaded = files(text, **others)
    assert loaded.errors == ()
    definition = loaded.workflows["w.yaml"]
    document = orjson.loads(orjson.dumps(definition_to_json(definition)))
    assert definition_from_json(document) == definition
    assert definition_to_json(definition_from_json(document)) == document, (
        "with the places in the file, which equality leaves out"
    )
    return definition


def files(text, **others):
    """The text and others by their file's name, loaded together with a project."""
    more = {f"{name}.yaml": other.encode() for name, other in others.items()}
    return load({"project.yaml": PROJECT, "w.yaml": f"name: w\n{text}".encode(), **more})


def rules(text, **others):
    """Which rules find something, in order."""
    return [finding.rule for finding in files(text, **others).findings]


def sources(template):
    """The sources of the expressions in a template."""
    return [expression.source for expression in expressions(template)]
