"""The reference has every key, kind, function and error, and its numbers are those of the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations_with_replacement
from pathlib import Path

import pytest

from engine.adapters.git import tree
from engine.adapters.kinds import process, script_outputs
from engine.api import guard
from engine.app import admission, artifacts, events, large_outputs, masking, storable, task_log, triggers
from engine.app.artifact_ports import YOUNG
from engine.app.kinds import DEFAULT_TIMEOUT
from engine.config import Config
from engine.core import approvals, cancel, gates, item_list, outputs, retry
from engine.core.expressions import budget
from engine.core.expressions.catalog import FUNCTIONS, LAZY, MACROS, METHODS
from engine.core.joins import join
from engine.core.model import Edge, Join, Task
from engine.core.outcomes import possible
from engine.core.state import TaskRun
from engine.spec import cel, cel_tokens, limits, models, policy_models, project_models, task_checks, task_models
from engine.spec.fields import Shape
from engine.spec.kinds import PARAMS
from engine.web import handling
from engine.web.body import PATIENCE as PATIENCE_FOR_BODIES
from webhooks.providers import provider

ROOT = Path(__file__).resolve().parent.parent
LANGUAGE = ROOT / "docs" / "language.md"
TEXT_ONLY = {
    "Files",
    "Top-level keys",
    "Keys of a task",
    "Kinds of errors",
    "Names",
    "Operators and functions",
    "Budgets",
}
TEXT_ONLY |= {"Running more than once", "States", "Tasks by hand"}
"""Sections without an example that is proved: overviews, and what other sections' examples show."""
LINKS = re.compile(r"\]\(([^)#:]*)#([^)]+)\)")


def section(heading: str) -> str:
    """The text below a heading of the reference, up to the next one of its level or above."""
    level, _, _ = heading.partition(" ")
    text = re.sub(r"^```.*?^```$", "", LANGUAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    start = text.index(f"\n{heading}\n")
    end = re.compile(rf"^#{{1,{len(level)}}} ", re.MULTILINE).search(text, start + len(heading) + 2)
    return text[start : end.start() if end else None]


SECTIONS = {
    models.WorkflowKeys: "## Top-level keys",
    models.CheckKeys: "## Checks",
    models.OnKeys: "## Triggers",
    models.WebhookKeys: "## Triggers",
    models.ScheduleKeys: "## Triggers",
    models.EventKeys: "## Triggers",
    models.AfterWorkflowKeys: "## Triggers",
    models.DefaultsKeys: "## Defaults",
    task_models.TaskKeys: "## Keys of a task",
    task_models.RetryKeys: "## retry",
    task_models.AtLeast: "## Joins",
    task_models.ProductKeys: "## for_each",
    task_models.RepeatKeys: "## repeat",
    task_models.CompensateKeys: "## compensate",
    task_models.TaskConcurrencyKeys: "## concurrency",
    task_models.ConcurrencyKeys: "## concurrency",
    task_models.RateLimitKeys: "## rate_limit",
    task_models.CacheKeys: "## cache",
    task_models.ArtifactKeys: "## artifacts",
    project_models.ProjectKeys: "# project.yaml",
    project_models.PersonKeys: "# project.yaml",
    project_models.ChannelKeys: "# project.yaml",
    project_models.WebhookSourceKeys: "# project.yaml",
    project_models.ApprovalsKeys: "# project.yaml",
    project_models.SyncKeys: "# project.yaml",
    project_models.StatusKeys: "# project.yaml",
    policy_models.PoliciesKeys: "# project.yaml",
    **{model: f"## {'run' if kind == 'script' else kind}" for kind, model in PARAMS.items() if model is not None},
}


def keys() -> Iterator[tuple[str, str]]:
    for model, heading in SECTIONS.items():
        for name, field in model.model_fields.items():
            yield heading, field.alias or name


@pytest.mark.parametrize(("heading", "key"), sorted(set(keys())))
def test_every_key_has_its_place_in_the_reference(heading, key):
    assert re.search(rf"[`{{ ]{key}[`:]", section(heading))


def test_every_model_that_is_read_has_a_section():
    every = {
        model
        for module in (models, task_models, project_models, policy_models)
        for model in vars(module).values()
        if isinstance(model, type) and issubclass(model, Shape) and model is not Shape
    }
    without_keys_of_their_own = {task_models.LeafKeys, task_models.ListedTaskKeys}
    assert every - without_keys_of_their_own <= set(SECTIONS)


@pytest.mark.parametrize("kind", sorted(PARAMS))
def test_every_kind_is_in_the_reference(kind):
    assert f"`{kind}`" in LANGUAGE.read_text()


@pytest.mark.parametrize("name", sorted({*FUNCTIONS, "has"}))
def test_every_function_is_in_the_reference(name):
    assert f"`{name}(" in section("## Operators and functions")


@pytest.mark.parametrize("name", sorted({*METHODS, *MACROS, *LAZY}))
def test_every_method_is_in_the_reference(name):
    assert f"`x.{name}(" in section("## Operators and functions")


def test_the_reference_has_no_function_that_there_is_not():
    table = section("## Operators and functions")
    called = {name.removeprefix("x.") for name in re.findall(r"`([\w.]+)\(", table)}
    assert called <= {*FUNCTIONS, *METHODS, *MACROS, *LAZY, "has"}


ENDS: dict[str, TaskRun] = {
    **{state: {"state": state, "attempt": 1} for state in ("succeeded", "failed", "skipped", "cancelled", "running")},
    "accepted": {"state": "failed", "attempt": 1},
    "called off": {"state": "cancelled", "attempt": 1, "called_off": True},
}
"""How a source can have ended: `accepted` by `continue_on_error`, `called off` by its own scope."""
JOINS = {
    "all": Join(),
    "any": Join(mode="any"),
    "{at_least: 2}": Join(mode="at_least", n=2),
    "merge": Join(mode="merge"),
}
VERDICTS = {True: "runs", False: "skipped", None: "waits"}


def verdicts(a: str, b: str) -> list[str]:
    """What comes of plain edges from two tasks that ended so, by join."""
    ended = {"a": a, "b": b}
    tasks = {name: Task(id=name, kind="http", continue_on_error=end == "accepted") for name, end in ended.items()}
    edges = tuple(Edge(source=name, outcome="succeeded", lenient=end == "accepted") for name, end in ended.items())
    runs = {name: ENDS[end] for name, end in ended.items()}
    return [VERDICTS[join(Task(id="t", kind="http", edges=edges, join=rule), tasks, runs)] for rule in JOINS.values()]


def rows(text: str) -> list[list[str]]:
    """The cells of all tables, without their marks."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip(" `") for cell in line] for line in lines]


def test_the_table_of_joins_is_what_the_engine_does():
    table = rows(section("## Joins"))
    (head,) = [number for number, row in enumerate(table) if row[:2] == ["a", "b"]]
    assert table[head][2:] == list(JOINS)
    said = {(a, b): verdicts for a, b, *verdicts in table[head + 1 :]}
    plain = [end for end in ENDS if end not in ("accepted", "called off")]
    assert set(said) == {*combinations_with_replacement(plain, 2)} - {("running", "running")}
    for (a, b), verdict in said.items():
        assert verdict == verdicts(a, b) == verdicts(b, a), (a, b)


def test_what_is_accepted_counts_as_success_and_what_was_called_off_as_skipped():
    for other in ENDS:
        assert verdicts("accepted", other) == verdicts("succeeded", other)
        assert verdicts("called off", other) == verdicts("skipped", other)
    assert "`any` is `{at_least: 1}`" in section("## Joins")


@pytest.mark.parametrize("kind", ["approval", "event", "switch", "http"])
def test_the_table_of_outcomes_is_that_of_the_engine(kind):
    named = {"switch": "a switch", "http": "all others, such as `run"}.get(kind, kind)
    (row,) = [row for row in rows(section("## Edges and outcomes")) if len(row) == 2 and row[0].startswith(named)]
    said = [cell.strip(" `") for cell in row[1].split(",")]
    assert said == [*(["its cases"] if kind == "switch" else []), *possible(kind)]


def test_the_contents_have_every_section_in_its_order():
    text = re.sub(r"^```.*?^```$", "", LANGUAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    contents, _, body = text.partition("\n# A workflow\n")
    headings = re.findall(r"^##? (.*)$", f"# A workflow\n{body}", re.MULTILINE)
    wanted = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    assert re.findall(r"\]\(#([^)]+)\)", contents) == wanted


def test_nothing_is_said_to_be_missing():
    assert "not supported" not in LANGUAGE.read_text().lower()


@pytest.mark.parametrize("heading", re.findall(r"^## (.*)$", LANGUAGE.read_text(), re.MULTILINE))
def test_every_construct_has_an_example_that_is_proved(heading):
    whole = LANGUAGE.read_text()
    start = whole.index(f"\n## {heading}\n")
    end = re.compile(r"^##? [a-zA-Z]", re.MULTILINE).search(whole, start + len(heading) + 5)
    text = whole[start : end.start() if end else None]
    if heading not in TEXT_ONLY:
        assert re.search(r"^<!-- (run .*|test) -->$", text, re.MULTILINE)


def error_kinds() -> set[str]:
    """Every kind that stands in the code as it is; that of a status is made from it."""
    code = "\n".join(
        path.read_text() for layer in ("core", "app", "adapters") for path in (ROOT / "engine" / layer).rglob("*.py")
    )
    raised = re.findall(r'Failed\("([a-z_]+)"', code)
    return {
        *raised,
        *re.findall(r'"kind": "([a-z_]+)"', code),
        "expression",
        "budget",
        "secret",
        "unavailable",
        "internal",
    }


@pytest.mark.parametrize("kind", sorted(error_kinds()))
def test_every_kind_of_error_is_in_the_reference(kind):
    assert f"`{kind}`" in section("## Kinds of errors")


KIB, SECOND, HOUR = 1024, 1000, 3_600_000
NUMBERS = [
    ("language.md", f"| groups and loops within each other | {task_checks.MOST_NESTED} |"),
    ("language.md", f"| items of a `for_each` | {item_list.MOST:,} | `invalid` |"),
    ("language.md", f"and more than {item_list.MOST:,} of them"),
    ("language.md", f"by `workflow`, `on.workflow` or events | {triggers.DEEPEST} |"),
    ("language.md", f"group's name | {gates.LONGEST} characters |"),
    ("language.md", f"an event's type and id | {events.LONGEST} characters |"),
    ("language.md", f"that a task emits | {events.DERIVED:,} bytes |"),
    ("language.md", f"A file has at most {limits.MAX_BYTES // KIB} KiB, {limits.MAX_NODES:,} YAML elements"),
    ("language.md", f"{limits.MAX_DEPTH} levels, and aliases that stand for {limits.MAX_ALIASED_NODES:,} values"),
    ("language.md", f"after {['', 'one', 'two', 'three', 'four', 'five'][retry.MAX_LOSSES]} such losses"),
    ("language.md", f"spread by up to {retry.JITTER:.0%}".replace("%", " %")),
    ("language.md", f"told to stop and has {cancel.GRACE // SECOND} seconds"),
    ("language.md", f"| `http` | {DEFAULT_TIMEOUT // SECOND} seconds |"),
    ("language.md", f"KILL after {process.GRACE:.0f} seconds"),
    ("language.md", f"{artifacts.MAX_FILES:,} files an attempt, {artifacts.Limits().file // KIB**2} MiB a file"),
    ("language.md", f"MiB a file, {artifacts.Limits().instance // KIB**3} GiB an instance"),
    ("operations.md", f"| `HEADRACE_ARTIFACT_MAX_FILE` | `{Config().artifact_max_file}` |"),
    ("operations.md", f"| `HEADRACE_ARTIFACT_MAX_INSTANCE` | `{Config().artifact_max_instance}` |"),
    ("howto/artifacts.md", f"after {['', 'an'][YOUNG // HOUR]} hour"),
    ("language.md", f"At most {script_outputs.LIMIT // KIB} KiB are read"),
    (
        "language.md",
        f"{task_log.MAX_LINES:,} lines or {task_log.MAX_BYTES // KIB**2} MiB an attempt, {task_log.MAX_LINE:,} char",
    ),
    ("language.md", f"at most {outputs.LIMIT // KIB} KiB of\noutputs"),
    ("language.md", f"| {cel.SOURCE_BYTES // KIB} KiB |"),
    ("language.md", f"| {cel_tokens.DEPTH} levels, and {cel_tokens.TERNARIES} `? :` |"),
    (
        "language.md",
        f"{budget.STEPS:,} steps: an operation, an iteration, an element, or {budget.CHARACTERS_PER_STEP} char",
    ),
    ("language.md", f"{budget.RESULT_BYTES // KIB} KiB as JSON, {budget.NESTING} levels"),
    ("language.md", f"inputs of an instance have at most {admission.LIMIT // KIB**2} MiB"),
    ("security.md", f"| inputs of an instance | {admission.LIMIT // KIB**2} MiB |"),
    ("language.md", f"those over {large_outputs.INLINE // KIB} KiB are kept apart"),
    (
        "security.md",
        f"| a large output of a task, kept apart; all of an instance | {Config().output_max // KIB**2} MiB; {Config().output_max_instance // KIB**2} MiB |",
    ),
    ("operations.md", f"| `HEADRACE_OUTPUT_MAX` | `{Config().output_max}` |"),
    ("operations.md", f"| `HEADRACE_OUTPUT_MAX_INSTANCE` | `{Config().output_max_instance}` |"),
    ("security.md", f"at most {script_outputs.LIMIT // KIB} KiB of it"),
    ("security.md", f"| outputs of a task, and of an instance | {outputs.LIMIT // KIB} KiB |"),
    ("security.md", f"| a file | {limits.MAX_BYTES // KIB} KiB, "),
    (
        "security.md",
        f"{limits.MAX_NODES:,} YAML elements, {limits.MAX_DEPTH} levels, aliases for {limits.MAX_ALIASED_NODES:,} val",
    ),
    ("security.md", f"{budget.STEPS:,} steps; its result {budget.RESULT_BYTES // KIB} KiB and {budget.NESTING} levels"),
    ("security.md", f"{project_models.LARGEST_BODY // KIB**2} MiB at most"),
    ("security.md", f"arrives within {PATIENCE_FOR_BODIES:.0f} seconds"),
    (
        "security.md",
        f"counts for {provider.ID_HOURS // 24} days, the same event with the same body for {provider.DAY} hours",
    ),
    ("security.md", f"no `NaN`, at most {storable.DEPTH} levels"),
    ("security.md", f"a cookie of {guard.SESSION // 3600} hours"),
    ("security.md", f"forms {handling.MAX_FORM // KIB} KiB and {handling.MAX_FIELDS} fields"),
    ("security.md", f"values under {masking.SHORTEST} characters"),
    ("security.md", f"| a file | {tree.MAX_FILE // KIB} KiB |"),
    ("security.md", f"{tree.MAX_FILES:,}, together {tree.MAX_TOTAL // KIB**2} MiB"),
    (
        "security.md",
        f"{tree.MAX_FOLDERS}, {tree.MAX_DEPTH} levels deep, each tree object {tree.MAX_TREE // KIB**2} MiB",
    ),
    ("security.md", f"(`HEADRACE_RETENTION_DAYS` ({Config().retention_days})"[1:]),
    ("howto/approvals.md", f"after {approvals.ASK_AGAIN // SECOND} seconds, then with growing pauses up to"),
]


@pytest.mark.parametrize(("page", "said"), NUMBERS)
def test_numbers_are_those_of_the_code(page, said):
    assert said in (ROOT / "docs" / page).read_text()


def anchors(page: Path) -> set[str]:
    """The addresses of a page's headings, as GitHub makes them."""
    text = re.sub(r"^ *```.*?^ *```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")], ids=lambda page: page.name)
def test_links_to_sections_lead_somewhere(page):
    for target, anchor in LINKS.findall(page.read_text()):
        assert anchor in anchors(page.parent / target if target else page)
