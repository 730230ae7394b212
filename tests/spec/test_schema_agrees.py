"""The published schemas and the loader agree: what one takes the other takes, but for what no schema can say."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator

from engine.simulate.files import run_files
from engine.spec.document import read
from engine.spec.editor_schemas import documents
from engine.spec.load import load

ROOT = Path(__file__).parents[2]
SCHEMAS = {name: Draft202012Validator(schema) for name, schema in documents().items()}
SHAPE = {
    "unknown-key",
    "missing-key",
    "bad-value",
    "bad-id",
    "task-form",
    "misplaced-key",
    "unknown-kind",
    "unknown-parameter",
}
"""Rules about the form of a file. All others look at what names mean, and no schema can."""

BEYOND = {
    "does not fit the schema of the input": "the schema stands in another part of the file, or in another one",
    "has not five fields": "the grammar of cron",
    "is no IANA time zone": "a list that is not ours",
    "comes last, and once": "the order of keys",
    "a time is RFC 3339": "days that a month has",
    "`message` takes exactly one": "a list that is there and empty counts as none",
    "is CEL, a list, or|must be a list of texts, or": "texts that are empty, or templates where none may be",
    "is a word of the expression language": "patterns without look-ahead cannot leave out words",
}
"""What loader and linter say beyond a schema's reach, and why it is beyond."""
_BEYOND = re.compile("|".join(BEYOND))


def values(paths):
    found = {path: read(path.name, path.read_bytes()) for path in paths}
    return [document.root.value for document in found.values() if hasattr(document, "root")]


def is_workflow(path):
    return not path.name.endswith(".test.yaml") and path.name != "project.yaml"


FILES = [*(ROOT / "workflows").glob("*.yaml"), *(ROOT / "tests/patterns").glob("*.yaml")]
GOOD = sorted((ROOT / "tests/lint/golden").rglob("good.yaml"))
SEEDS = {
    "workflow": values(sorted(filter(is_workflow, [*FILES, *GOOD]))),
    "project": values(
        sorted([*(ROOT / "workflows").glob("project.yaml"), *(ROOT / "tests/lint/golden").rglob("project.yaml")])
    ),
    "test": values(sorted(path for path in FILES if path.name.endswith(".test.yaml"))),
}
WORDS = {
    kind: sorted(
        set(re.findall(r'"([a-z_]{2,24})": \{', json.dumps(documents()[f"{kind}.schema.json"]))) | {"zz", "Bad-Id"}
    )
    for kind in SEEDS
}
VALUES = [
    *(None, True, 0, 1, -1, 1.5, 1_000_000),
    *("", "x", "10s", "${{ inputs.x }}", "any", "skip", "queue", "otherwise"),
    *([], ["x"], {}, {"x": "y"}, {"at_least": 2}, [{"id": "a", "run": "x"}], {"a": {"run": "x"}}),
]


def places(value, path=()):
    """The path of every entry of every map and list."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        yield (*path, key)
        yield from places(inner, (*path, key))


@st.composite
def mutated(draw, kind):
    """A good file with one or two entries left out, changed, added or renamed."""
    document = deepcopy(draw(st.sampled_from(SEEDS[kind])))
    for _ in range(draw(st.integers(0, 2))):
        path = draw(st.sampled_from(list(places(document)) or [("name",)]))
        owner = document
        for step in path[:-1]:
            owner = owner[step]
        act = draw(st.sampled_from(["leave out", "change", "change", "add", "rename"]))
        value = deepcopy(draw(st.sampled_from(VALUES)))
        if act == "leave out":
            owner.pop(path[-1], None) if isinstance(owner, dict) else owner.pop(path[-1])
        elif act == "change" or isinstance(owner, list):
            owner[path[-1]] = value
        elif act == "add":
            owner[draw(st.sampled_from(WORDS[kind]))] = value
        else:
            owner[draw(st.sampled_from(WORDS[kind]))] = owner.pop(path[-1], value)
    return document


def findings(kind, document):
    """The errors of loading one file of this kind."""
    data = json.dumps(document).encode()
    if kind == "test":
        return [each for each in run_files({"w.test.yaml": data}).findings if each.rule != "unknown-workflow"]
    project = (ROOT / "workflows/project.yaml").read_bytes()
    files = {"w.yaml": data, "project.yaml": project} if kind == "workflow" else {"project.yaml": data}
    return [finding for finding in load(files).errors if finding.path == next(iter(files))]


@pytest.mark.parametrize("kind", SEEDS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_they_agree(kind, data):
    document = data.draw(mutated(kind))
    taken = SCHEMAS[f"{kind}.schema.json"].is_valid(document)
    found = findings(kind, document)
    if not taken:
        assert found, "the schema refuses what the loader takes"
    shape = [each for each in found if each.rule in SHAPE and not _BEYOND.search(each.message)]
    if taken:
        assert shape == [], "the loader refuses what the schema takes"


@pytest.mark.parametrize("kind", SEEDS)
def test_the_seeds_are_good(kind):
    assert len(SEEDS[kind]) >= 3
    assert all(SCHEMAS[f"{kind}.schema.json"].is_valid(seed) for seed in SEEDS[kind] if not findings(kind, seed))
