"""Whatever the bytes: findings or definitions, never an exception, and every rule is a known one."""

from json import dumps as json_of
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.lint.linter import RULES, lint_loaded
from engine.lint.reporters import json, text
from engine.spec.findings import Finding
from engine.spec.load import load

ROOT = Path(__file__).parents[2]
SEEDS = [path.read_text() for path in sorted((ROOT / "workflows").glob("*.yaml"))]
SEEDS += [path.read_text("utf-8", "replace") for path in sorted((ROOT / "tests/lint/golden").rglob("*.yaml"))]
IDS = {rule.id for rule in RULES}
SNIPPETS = st.sampled_from(
    [
        *"{}[]:,-&*!|>'\"%@`#? \n\t\\~",
        *(
            "${{",
            "}}",
            "${{ tasks.build.outputs }}",
            "<<: *a",
            "!!str",
            "&a",
            "*a",
            "---\n",
            "\u2028",
            "\x00",
            "\ud7ff",
            "é",
            "😀",
        ),
        *(
            "tasks:",
            "needs:",
            "uses: http",
            "run:",
            "with: {}",
            "null",
            "true",
            "1e999",
            "0x",
            "if:",
            "[[",
            "name: a",
            "finally:",
        ),
    ]
)


def hold(files):
    loaded = load(files)
    findings = lint_loaded(loaded)
    assert {finding.rule for finding in findings} <= IDS
    assert all(finding.line >= 1 and finding.column >= 1 for finding in findings)
    assert {finding.path for finding in loaded.errors}.isdisjoint(loaded.workflows)
    assert [Finding.from_json(finding.to_json()) for finding in findings] == list(findings)
    text.report(findings, files)
    json.report(findings, files)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_bytes(workflow, project):
    hold({"w.yaml": workflow, "project.yaml": project})


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_mutated_files(data):
    seed = data.draw(st.sampled_from(SEEDS))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(seed)))
        end = min(len(seed), start + data.draw(st.integers(0, 12)))
        seed = seed[:start] + data.draw(SNIPPETS) + seed[end:]
    hold({data.draw(st.sampled_from(["w.yaml", "project.yaml"])): seed.encode("utf-8", "surrogatepass")})


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | SNIPPETS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "a",
                    "run",
                    "uses",
                    "with",
                    "needs",
                    "if",
                    "outputs",
                    "retry",
                    "type",
                    "properties",
                    "$ref",
                    "default",
                    "env",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)
KEYS = ["name", "inputs", "checks", "on", "tasks", "outputs", "finally", "defaults", "timeout", "labels"]


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES), st.dictionaries(st.sampled_from(["a", "b", "c"]), VALUES))
def test_any_values_at_known_keys(top, tasks):
    document = {"name": "w", "tasks": tasks, **top}
    hold({"w.yaml": json_of(document).encode()})
