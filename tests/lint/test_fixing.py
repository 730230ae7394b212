"""`--fix` changes what a file says in no way: it loads as before, keeps its comments, and has nothing left to fix."""

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.codec import definition_to_json
from engine.core.joins import join, skip_reason
from engine.core.model import Edge, Join, Task
from engine.lint.fixing import fix
from engine.lint.linter import lint
from engine.spec.load import load

GOLDEN = Path(__file__).with_name("golden")


def fixed(text, path="w.yaml"):
    return fix({path: text.encode()}).files.get(path, text.encode()).decode()


def meaning(value):
    """A definition without the places in the file that its parts came from."""
    if isinstance(value, dict):
        return {key: meaning(part) for key, part in value.items() if key not in ("starts", "line")}
    return [meaning(part) for part in value] if isinstance(value, list) else value


@pytest.mark.parametrize("folder", sorted(GOLDEN.iterdir()), ids=lambda folder: folder.name)
def test_golden_files_mean_the_same_afterwards(folder):
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.yaml")}
    once = fix(files)
    after = {**files, **once.files}
    assert fix(after).files == {}
    assert once.findings == lint(after)
    assert not [finding for finding in once.findings if finding.safe]
    before, now = load(files), load(after)
    assert set(before.workflows) <= set(now.workflows)
    for path, definition in before.workflows.items() if folder.name != "needless-join" else ():
        assert meaning(definition_to_json(now.workflows[path])) == meaning(definition_to_json(definition))


NEEDS = [
    ("{needs: [a, b, a], run: x}", "{needs: [a, b], run: x}"),
    ("{needs: [a, a, a], run: x}", "{needs: [a], run: x}"),
    ("{needs: [a , a ], run: x}", "{needs: [a ], run: x}"),
    ('{needs: [a, "a"], run: x}', "{needs: [a], run: x}"),
    ("{needs: [a,\n    a], run: x}", None),
    ("{needs: [a, # first\n    a # again\n    ], run: x}", None),
    (
        "\n    needs:\n      - a\n      - b # why\n      - a\n    run: x",
        "\n    needs:\n      - a\n      - b # why\n    run: x",
    ),
    ("\n    needs:\n      - a\n      - a # why\n    run: x", None),
    ("\n    needs:\n    - a\n    # why\n    - a\n    run: x", "\n    needs:\n    - a\n    # why\n    run: x"),
    ("\n    run: x\n    needs:\n    - a\n    - a", "\n    run: x\n    needs:\n    - a\n"),
]


@pytest.mark.parametrize(("task", "after"), NEEDS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_duplicate_need_goes_and_comments_stay(task, after, newline):
    text = f"# one\nname: w\ntasks:\n  a: {{run: x}} # two\n  b: {{run: x}}\n  c: {{}}\n  d: {task}"
    text = text.replace("  c: {}\n", "")
    wanted = text if after is None else text.removesuffix(task) + after
    assert fixed(text.replace("\n", newline)) == wanted.replace("\n", newline)


JOINS = [
    ("{needs: a, join: any, run: x}", "{needs: a, run: x}"),
    ("{join: any, needs: a, run: x}", "{needs: a, run: x}"),
    ("{needs: a, run: x, join: {at_least: 1}}", "{needs: a, run: x}"),
    ("{needs: a, run: x, cancel_rest: true, join: any}", None),
    ("\n    join: any\n    needs: a\n    run: x", "\n    needs: a\n    run: x"),
    ("\n    needs: a\n    join: any # why\n    run: x", None),
    ("\n    needs: a\n    join:\n      at_least: 1\n    run: x", None),
]


@pytest.mark.parametrize(("task", "after"), JOINS)
def test_a_needless_join_goes(task, after):
    text = f"name: w\ntasks:\n  a: {{run: x}}\n  b: {task}"
    assert fixed(text) == (text if after is None else text.removesuffix(task) + after)


def test_an_alias_is_left_alone():
    text = "name: w\ntasks:\n  a: {run: x, env: {X: &join any}}\n  b: {needs: a, run: x, join: *join}\n"
    assert fixed(text) == text


ENDS = ("succeeded", "failed", "skipped", "cancelled", "running")
RULES = (Join(), Join(mode="any"), Join(mode="at_least", n=1), Join(mode="merge"))


@pytest.mark.parametrize(("end", "outcome"), list(product(ENDS, ("succeeded", "failed", "done", "skipped"))))
def test_joins_over_one_edge_are_alike(end, outcome):
    for lenient in (True, False):
        tasks = {"a": Task(id="a", kind="script", continue_on_error=lenient)}
        runs = {"a": {"state": end, "attempt": 1}}
        waiting = [
            Task(id="b", kind="script", edges=(Edge(source="a", outcome=outcome, lenient=lenient),), join=rule)
            for rule in RULES
        ]
        assert len({join(task, tasks, runs) for task in waiting}) == 1
        assert all(skip_reason(task, tasks, runs) == skip_reason(waiting[0], tasks, runs) for task in waiting)


COMMENTS = [
    ("inputs: {} # headrace: ignore[unused-input] old\n", "inputs: {}\n"),
    ("# headrace: ignore[unused-input] old\ninputs: {}\n", "inputs: {}\n"),
    ("inputs: {}\n  # headrace: ignore[unused-input] old", "inputs: {}\n"),
    ("inputs: {} # why # headrace: ignore[unused-input] old\n", "inputs: {} # why\n"),
    (
        "inputs: # headrace: ignore[unused-input, never-equal] old\n  x: {type: string}\n",
        "inputs:\n  x: {type: string}\n",
    ),
    (
        "inputs:\n  # headrace: ignore[never-equal, unused-input] old\n  x: {type: string}\n",
        "inputs:\n  # headrace: ignore[unused-input] old\n  x: {type: string}\n",
    ),
]


@pytest.mark.parametrize(("comment", "after"), COMMENTS)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_an_unused_ignore_goes(comment, after, mark):
    text = "name: w\ntasks: {a: {run: x}}\n"
    assert fixed(mark + text + comment) == mark + text + after


def test_only_files_that_are_named_change():
    text = b"name: w\ntasks: {a: {run: x}} # headrace: ignore[unused-input] old\n"
    assert set(fix({"a.yaml": text, "b.yaml": text.replace(b"w\n", b"v\n")}, ["b.yaml"]).files) == {"b.yaml"}


LINES = [
    "inputs: {i: {type: string}}",
    "# headrace: ignore[unused-input] a",
    "tasks:",
    "  a: {run: x}",
    "  b: {run: x, needs: [a, a]} # headrace: ignore[unused-input, never-equal] b",
    "  c: {needs: b, join: any, run: x} # headrace: ignore[needless-join] c",
    "  d: {needs: [a, b, a, b], join: any, run: x}",
    "  # headrace: ignore-file[unused-input] d",
    "  e:",
    "    needs:",
    "      - a",
    "      - a",
    "    join: merge",
    "    run: |",
    "      x # headrace: ignore[unused-input] e",
]


@given(st.lists(st.sampled_from(LINES)))
def test_any_file_is_as_good_as_before(lines):
    text = "\n".join(["name: w", *lines])
    before = load({"w.yaml": text.encode()})
    after = load({"w.yaml": fixed(text).encode()})
    assert fixed(fixed(text)) == fixed(text)
    assert len(after.errors) <= len(before.errors)
    assert set(before.workflows) <= set(after.workflows)
