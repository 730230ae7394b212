"""Whatever the bytes: findings or definitions, never an exception, and every rule is a known one."""

from copy import deepcopy
from json import dumps as json_of
from pathlib import Path
from xml.etree import ElementTree as ET

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from orjson import dumps, loads

from engine.core.codec import definition_from_json, definition_to_json
from engine.lint.catalog import RULES
from engine.lint.linter import lint_loaded
from engine.lint.reporters.formats import REPORTS
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
    reports = {name: report(findings, files) for name, report in REPORTS.items()}
    for name in ("json", "sarif", "gitlab"):
        loads(reports[name])
    ET.fromstring(reports["junit"].encode())
    assert reports["github"].count("\n") == len(findings)
    for name in ("text", "github", "junit"):
        assert all(character.isprintable() or character in "\n\t" for character in reports[name])


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


MIXED = {
    "uses": ["http", "event", "exit", "fail", "container", "emit", "approval", "values", "nothing"],
    "run": ["x", "${{ a }}"],
    "switch": [{"high": "tasks.a.outputs.v == 1", "low": "otherwise"}, {"done": "otherwise", "b": True}],
    "workflow": ["w", "v"],
    "with": [
        {},
        {"type": "x", "match": "event.body.a == item"},
        {"state": "succeeded"},
        {"a": "${{ tasks.b.outputs }}"},
    ],
    "needs": ["a", "b.high", ["a", "b"], ["a.done", "c.failed"], []],
    "join": ["any", "merge", {"at_least": 2}],
    "cancel_rest": [True],
    "if": ["tasks.a.outputs.v == item", "true", "previous.?v.hasValue()", "!!"],
    "for_each": ["[1]", [1, "${{ item }}"], {"product": {"a": [1]}}, {"product": 1}, "tasks.a.outputs", ""],
    "as": ["region", "inputs"],
    "key": ["string(item)", "tasks.c"],
    "max_parallel": [1],
    "enough": [1],
    "rest": ["run_on"],
    "fail_fast": [True],
    "repeat": [{"until": "outputs.v == 1", "max_iterations": 2}, {"while": "previous.v == 1", "max_iterations": 2}, {}],
    "outputs": [{"v": {"type": "string"}}, {"v": "${{ tasks.a.outputs.v }}"}, {"v": 1}, {}],
    "compensate": [{"run": "x", "env": {"A": "${{ outputs.v }}"}}, {"uses": "exit"}, {}],
    "continue_on_error": [True],
    "artifacts": [{"out": ["a/b.c"]}, {"in": ["a.b"]}, {"in": {"x": "a"}, "out": {"b": "../c"}}, {"in": [""]}],
    "cache": [{"key": "${{ item }}"}],
    "concurrency": [{"group": "${{ inputs.a }}"}],
    "queue": ["big"],
    "priority": [3],
    "env": [{"A": "${{ secrets.TOKEN }}"}],
    "timeout": ["1s"],
}
TASKS = st.deferred(
    lambda: (
        st.dictionaries(st.sampled_from(["a", "b", "c", "compensate"]), TASK, max_size=3)
        | st.lists(
            st.tuples(st.sampled_from(["a", "b", "c"]), TASK).map(lambda pair: {"id": pair[0], **pair[1]}), max_size=3
        )
    )
)
TASK = st.fixed_dictionaries({}, optional={key: st.sampled_from(values) for key, values in MIXED.items()}).flatmap(
    lambda task: st.just(task) | TASKS.map(lambda inner: {**task, "tasks": inner})
)
ONE_FORM = ("uses", "run", "switch", "workflow", "tasks")


def tidy(tasks, keep):
    """The tasks with one form each, and few other keys, so that most of them get far."""
    items = tasks.values() if isinstance(tasks, dict) else tasks
    for number, task in enumerate(items):
        forms = [form for form in ONE_FORM if form in task]
        wanted = forms[(keep + number) % len(forms)] if forms else "run"
        others = [key for key in task if key not in (*ONE_FORM, "id")]
        for key in [form for form in forms if form != wanted] + others[keep % 5 :]:
            del task[key]
        task.setdefault(wanted, "x")
        if wanted == "tasks":
            tidy(task["tasks"], keep + 1)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TASKS, TASKS, st.integers(0, 20), st.booleans())
def test_any_mixture_of_the_keys_of_tasks(tasks, at_end, keep, tidied):
    tasks, at_end = deepcopy(tasks), deepcopy(at_end)
    if tidied:
        tidy(tasks, keep)
        tidy(at_end, keep)
    document = {"name": "w", "tasks": tasks, "finally": at_end, "outputs": {"o": "${{ tasks.a.outputs.v }}"}}
    hold({"w.yaml": json_of(document).encode()})
    for definition in load({"w.yaml": json_of(document).encode()}).workflows.values():
        assert definition_from_json(loads(dumps(definition_to_json(definition)))) == definition
