"""Laid out anew, a file says what it said, has every comment, and is not laid out anew again."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.codec import definition_to_json
from engine.lint.linter import lint
from engine.spec.document import read
from engine.spec.formatting.format import formatted
from engine.spec.formatting.order import TASK, WORKFLOW
from engine.spec.formatting.units import Unformattable, comments
from engine.spec.load import is_loaded, is_project, load_one
from engine.spec.models import WorkflowKeys
from engine.spec.nodes import Document
from engine.spec.task_models import ListedTaskKeys
from tests.spec.formatting.messy import Messy
from tests.test_docs_reference import section

ROOT = Path(__file__).resolve().parent.parent.parent.parent
FILES = {
    str(path.relative_to(ROOT)): path.read_bytes()
    for pattern in ("workflows/*.yaml", "tests/patterns/*.yaml", "tests/lint/golden/*/good.yaml")
    for path in sorted(ROOT.glob(pattern))
}
WORKFLOWS = [path for path in FILES if is_loaded(path) and not is_project(path)]


def laid_out(path, text):
    made = formatted(path, text if isinstance(text, bytes) else text.encode())
    assert isinstance(made, str), [str(finding) for finding in made]
    assert formatted(path, made.encode()) == made, "laid out anew again"
    return made


def meaning(path, text):
    """The definition without the places that messages point to."""
    definition, findings = load_one(path, text if isinstance(text, bytes) else text.encode())
    assert definition is not None, [str(finding) for finding in findings]
    return _placeless(definition_to_json(definition))


def _placeless(value):
    if isinstance(value, dict):
        return {key: _placeless(part) for key, part in value.items() if key != "line"}
    if not isinstance(value, list):
        return value
    if len(value) == 4 and isinstance(value[0], str) and _are_places(value[3]):  # an expression
        value = value[:3]
    return [_placeless(part) for part in value]


def _are_places(value):
    return isinstance(value, list) and all(isinstance(part, list) and len(part) == 3 for part in value)


@pytest.mark.parametrize("path", sorted(FILES))
def test_examples_and_patterns_and_golden_files(path):
    if path == "tests/lint/golden/yaml-alias/good.yaml":
        with pytest.raises(Unformattable, match="anchors or aliases"):
            formatted(path, FILES[path])
        return
    made = laid_out(path, FILES[path])
    assert max(map(len, made.splitlines())) <= max(120, *map(len, FILES[path].decode().splitlines()))
    if path in WORKFLOWS:
        assert meaning(path, made) == meaning(path, FILES[path])


def test_the_examples_are_laid_out():
    for path, text in FILES.items():
        if path.startswith("workflows/"):
            assert formatted(path, text) == text.decode(), f"run headrace fmt {path}"


@given(chosen=st.sampled_from(WORKFLOWS), seed=st.integers(0, 2**32))
@settings(max_examples=120)
def test_whatever_way_a_workflow_is_written_it_means_the_same(chosen, seed):
    document = read(chosen, FILES[chosen])
    messy = Messy(random.Random(seed)).file(document.root.value)
    assert isinstance(read(chosen, messy.encode()), Document), messy
    made = laid_out(chosen, messy)
    assert meaning(chosen, made) == meaning(chosen, FILES[chosen])
    remarks = [
        sorted(comment.text for comment in comments(read(chosen, text.encode().replace(b"\r\n", b"\n"))))
        for text in (messy, made)
    ]
    assert remarks[0] == remarks[1]


@given(chosen=st.sampled_from(WORKFLOWS), seeds=st.tuples(st.integers(0, 2**32), st.integers(0, 2**32)))
@settings(max_examples=40)
def test_keys_stand_in_one_order_whatever_it_was(chosen, seeds):
    document = read(chosen, FILES[chosen])
    orders = []
    for seed in seeds:
        made = laid_out(chosen, Messy(random.Random(seed), remarks=0).file(document.root.value))
        orders.append(_keys(read(chosen, made.encode()).root.value))
    assert orders[0] == orders[1]


def _keys(value):
    if isinstance(value, dict):
        return [(key, _keys(part)) for key, part in value.items()]
    return [_keys(part) for part in value] if isinstance(value, list) else None


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**40), 2**40),
        st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Zl", "Zp", "Co", "Cn"]), max_size=12),
        st.sampled_from(
            ["true", "1", "~", "a: b", "# no", "x #y", "- a", "a\nb\n", "a\n\n  b", "it's", '"', "", " x", "x:"]
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4),
        st.dictionaries(st.sampled_from(["a", "b c", "on", "#", "it's", "1"]), inner, min_size=1, max_size=4),
    ),
    max_leaves=20,
)


@given(values=st.dictionaries(st.sampled_from(["x", "y", "z"]), VALUES, min_size=1), seed=st.integers(0, 2**32))
@settings(max_examples=200)
def test_whatever_a_file_holds(values, seed):
    messy = Messy(random.Random(seed)).file(values)
    before = read("project.yaml", messy.encode())
    assert isinstance(before, Document), messy
    made = laid_out("project.yaml", messy)
    assert read("project.yaml", made.encode()).root.value == before.root.value == values


SCRAPS = (
    " ",
    "\n",
    "#",
    " # c\n",
    '"',
    "'",
    "- ",
    "{",
    "}",
    "[",
    "]",
    ": ",
    ",",
    "|",
    ">",
    "? ",
    "&a ",
    "*a",
    "\t",
    "\n  # c\n",
    "\r",
    "\u2028",
)


@given(chosen=st.sampled_from(sorted(FILES)), seed=st.integers(0, 2**32))
@settings(max_examples=300)
def test_a_file_with_slips_is_laid_out_or_left_alone(chosen, seed):
    drawn, text = random.Random(seed), FILES[chosen].decode()
    for _ in range(drawn.randint(1, 4)):
        at = drawn.randrange(len(text) + 1)
        text = text[:at] + (
            drawn.choice(SCRAPS) + text[at:] if drawn.random() < 0.6 else text[at + drawn.randint(1, 4) :]
        )
    try:
        made = formatted(chosen, text.encode())
    except Unformattable:
        return
    if isinstance(made, str):
        assert formatted(chosen, made.encode()) == made


def test_what_lint_says_stays_the_same():
    for folder in sorted({Path(path).parent for path in FILES if "golden" in path}):
        before = {str(path): path.read_bytes() for path in sorted((ROOT / folder).glob("**/*.yaml"))}
        after = {path: _made(path, text) for path, text in before.items()}
        assert _said(after) == _said(before), folder


def _made(path, text):
    try:
        made = formatted(path, text)
    except Unformattable:
        return text
    return made.encode() if isinstance(made, str) else text


def _said(files):
    return sorted((finding.path, finding.rule, finding.message) for finding in lint(files))


def test_the_order_is_that_of_the_models_and_of_the_reference():
    names = {field.alias or name for name, field in ListedTaskKeys.model_fields.items()}
    assert sorted(TASK) == sorted(names)
    assert sorted(WORKFLOW) == sorted(field.alias or name for name, field in WorkflowKeys.model_fields.items())
    for heading, keys in (("## Top-level keys", WORKFLOW), ("## Keys of a task", TASK[1:])):
        assert tuple(re.findall(r"^\| `(\w+)` \|", section(heading), re.MULTILINE)) == keys


CASES = {
    "keys, gaps and comments": (
        "# top\n\n\nname:   x   # its name\n\n\n\ntasks:\n    b:\n        run: 'y'\n        # why\n        needs: a  \n\n    # first\n    a: {run: x, if: true}\n",
        '# top\n\nname: x     # its name\n\ntasks:\n  b:\n    # why\n    needs: a\n    run: "y"\n\n  # first\n  a: {if: true, run: x}\n',
    ),
    "a key above others, and what is above all": (
        "# file\n\n# tasks\ntasks: {a: {run: x}}\nname: x\n",
        "# file\n\n# tasks\nname: x\ntasks: {a: {run: x}}\n",
    ),
    "comments below, deeper and at the end": (
        "     # deep\nname: x\ntasks:\n  a:\n    run: x\n    # below run\n # about outputs\noutputs: {}\n\n# the end\n",
        "# deep\nname: x\n\ntasks:\n  a:\n    run: x\n    # below run\n\n# about outputs\noutputs: {}\n\n# the end\n",
    ),
    "a list of tasks": (
        "name: x\ntasks:\n- run: |\n     a\n       b\n  id: a\n- id: b  # b\n  run: >-\n    c\n    d\n",
        "name: x\n\ntasks:\n  - id: a\n    run: |\n      a\n        b\n\n  - id: b  # b\n    run: >-\n      c\n      d\n",
    ),
    "what is too long": (
        "name: x\ntasks: {a: {run: 'echo %s', env: {A: '1'}}}\n" % ("y" * 110),
        'name: x\n\ntasks:\n  a:\n    run: "echo %s"\n    env: {A: "1"}\n' % ("y" * 110),
    ),
    "a comment behind what is too long keeps its line": (
        "name: x\ntasks:\n  a: {run: x, env: {A: %s}} # headrace: ignore[x] y\n" % ("y" * 110),
        "name: x\n\ntasks:\n  a: {run: x, env: {A: %s}}  # headrace: ignore[x] y\n" % ("y" * 110),
    ),
    "a comment for the linter above what is too long keeps its line": (
        "name: x\ntasks:\n  # headrace: ignore[x] y\n  a: {run: x, env: {A: %s}}\n" % ("y" * 110),
        "name: x\n\ntasks:\n  # headrace: ignore[x] y\n  a: {run: x, env: {A: %s}}\n" % ("y" * 110),
    ),
    "comments in flow collections keep its lines": (
        "name: x\ntasks:\n   a: {run: x, # why\n          env: {}}\n",
        "name: x\n\ntasks:\n  a: {run: x, # why\n         env: {}}\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=CASES.keys())
def test_so_it_looks(before, after):
    assert laid_out("x.yaml", before) == after


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: &x 1\nb: *x\n", "anchors"),
        ("---\na: 1\n", "document"),
        ("%YAML 1.1\n---\na: 1\n", "document"),
        ("? a\n: b\n", "`\\?`"),
        ("a: |+\n  x\n\n", "empty lines"),
        ("[a, b]\n", "no map"),
        ("", "no map"),
    ],
)
def test_what_stays_as_it_is(text, why):
    with pytest.raises(Unformattable, match=why):
        formatted("x.yaml", text.encode())


def test_what_cannot_be_read_is_told():
    [finding] = formatted("x.yaml", b"a: [\n")
    assert finding.rule == "yaml-syntax"
