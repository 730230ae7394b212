"""Whatever the workflows: what means the same gives no plan, and what means something else gives one."""

import json
from dataclasses import fields, is_dataclass
from pathlib import Path

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.app.plan.compare import compare
from engine.app.plan.snapshot import of_files
from engine.core.codec import definition_to_json, digest
from engine.core.expressions.model import Expression, MapOf
from engine.core.model import Definition, Edge, ForEach, ScheduleTrigger, Task, TaskList
from engine.spec.cel_tokens import tokens
from engine.spec.document import read
from engine.spec.load import load
from tests.app.plan.sides import NOW

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "workflows"
PROJECT = (FOLDER / "project.yaml").read_bytes()
TEXTS = {
    path.stem: path.read_bytes()
    for path in sorted(FOLDER.glob("*.yaml"))
    if not path.name.endswith(".test.yaml") and path.name != "project.yaml"
}
VALUES = {name: read(name, text).root.value for name, text in TEXTS.items()}
ORDERED = {"switch"}
"""Maps whose order means something."""
UNSEEN = {
    Task: {"line", "edges"},
    TaskList: {"followers"},
    Edge: {"lenient"},
    ForEach: {"collect"},
    Definition: {"vars"},
    ScheduleTrigger: set(),
}
"""Where things stand, and what other things make."""
SLOW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def snapshot(name, files):
    return of_files(name, load({"project.yaml": PROJECT, **files}))


def plan(before, after):
    return compare(snapshot("a", before), snapshot("b", after), now=NOW)


def meant(value):
    """A definition without places, by every field that it has: what the digest is of, less what no author means."""
    if isinstance(value, Expression):
        return ["$", *(token.text for token in tokens(value.source))]
    if isinstance(value, MapOf):
        return {"map": {key: meant(entry) for key, entry in value.items}}
    if is_dataclass(value):
        left_out = UNSEEN.get(type(value), set())
        found = {
            one.name: meant(getattr(value, one.name)) for one in fields(value) if one.init and one.name not in left_out
        }
        if isinstance(value, Task):
            found["edges"] = sorted(map(json.dumps, map(meant, value.edges)))
        return found
    if isinstance(value, dict):
        return {key: sorted(entry) if key == "required" else meant(entry) for key, entry in value.items()}
    return [meant(entry) for entry in value] if isinstance(value, list | tuple) else value


def digests(files):
    return {name: digest(meant(entry.definition)) for name, entry in snapshot("x", files).workflows.items()}


@given(st.sets(st.sampled_from(sorted(TEXTS)), min_size=1))
@SLOW
def test_nothing_differs_from_itself(names):
    files = {name: TEXTS[name] for name in names}
    found = plan(
        {f"{name}.yaml": text for name, text in files.items()}, {f"o/{name}.yml": text for name, text in files.items()}
    )
    assert found.empty
    assert not found.breaking


@st.composite
def rewritten(draw, value, key=""):
    """The same value with its maps in another order."""
    if isinstance(value, dict):
        names = list(value) if key in ORDERED else draw(st.permutations(list(value)))
        return {name: draw(rewritten(value[name], name)) for name in names}
    return [draw(rewritten(entry)) for entry in value] if isinstance(value, list) else value


def dumped(value, how):
    """A value in one of the ways that YAML has to write it, with comments."""
    text = (
        json.dumps(value, ensure_ascii=False, indent=how)
        if how
        else yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=60)
    )
    return f"# before\n\n{text}\n# behind\n".encode()


@given(st.data(), st.sampled_from(sorted(VALUES)), st.sampled_from([None, 1, 4]))
@SLOW
def test_how_it_is_written_means_nothing(data, name, how):
    again = dumped(data.draw(rewritten(VALUES[name])), how)
    before, after = {f"{name}.yaml": TEXTS[name]}, {f"{name}.yaml": again}
    assert digests(before) == digests(after)
    found = plan(before, after)
    assert found.empty, found.workflows
    assert not found.breaking


SCALARS = st.sampled_from(
    [
        0,
        1,
        2,
        1.0,
        True,
        False,
        None,
        "x",
        "5m",
        "1h",
        "any",
        "a.b",
        "inputs.service",
        "${{ 1 }}",
        "succeeded",
        "skip",
        [],
        {},
    ]
)


@st.composite
def changed(draw, value):
    """The value with one thing in it changed, left out or doubled."""
    if isinstance(value, dict) and value:
        key = draw(st.sampled_from(list(value)))
        act = draw(st.sampled_from(["in", "in", "in", "in", "out", "twice"]))
        if act == "out":
            return {name: entry for name, entry in value.items() if name != key}
        if act == "twice":
            return {**value, f"{key}x": value[key]}
        return {**value, key: draw(changed(value[key]))}
    if isinstance(value, list) and value:
        at = draw(st.integers(0, len(value) - 1))
        act = draw(st.sampled_from(["in", "out", "turned"]))
        if act == "turned":
            return value[::-1]
        return [*value[:at], *([draw(changed(value[at]))] if act == "in" else []), *value[at + 1 :]]
    return draw(SCALARS)


@given(st.data(), st.sampled_from(sorted(VALUES)))
@SLOW
def test_what_means_something_else_is_told(data, name):
    value = VALUES[name]
    for _ in range(data.draw(st.integers(1, 2))):
        value = data.draw(changed(value))
    before, after = {f"{name}.yaml": TEXTS[name]}, {f"{name}.yaml": dumped(value, None)}
    found = plan(before, after)
    if not found.notes:
        assert found.empty == (digests(before) == digests(after)), (found.workflows, value)


@given(
    st.data(),
    st.sampled_from(sorted(VALUES)),
    st.sets(st.sampled_from(sorted(TEXTS))),
    st.sets(st.sampled_from(sorted(TEXTS))),
)
@SLOW
def test_the_way_back_is_the_way_there_turned_round(data, name, some, others):
    before = {f"{each}.yaml": TEXTS[each] for each in some | {name}}
    after = {f"{each}.yaml": TEXTS[each] for each in others} | {
        f"{name}.yaml": dumped(data.draw(changed(VALUES[name])), None)
    }
    there, back = plan(before, after), plan(after, before)
    turned = {"added": "removed", "removed": "added", "changed": "changed"}

    def told(found, turn):
        return {
            (
                one.name,
                turn[one.change],
                *sorted(
                    (task.path, turn[task.change], *sorted((key.key, turn[key.change]) for key in task.keys))
                    for task in one.tasks
                ),
            )
            for one in found.workflows
        }

    assert told(there, turned) == told(back, {key: key for key in turned})


def test_the_oracle_sees_every_field():
    """Two definitions that are the same to it are the same to the engine but for places."""
    loaded = load({"project.yaml": PROJECT, "release.yaml": TEXTS["release"]})
    (definition,) = loaded.workflows.values()
    assert set(definition_to_json(definition)) - {"vars"} <= set(meant(definition))
