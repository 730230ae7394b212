"""A plan as Markdown, for a comment on a pull request. What authors wrote stands in code: there it names and pings nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from engine.app.plan.model import Plan, WorkflowChange
from engine.cli import plan_words as words
from engine.spec.findings import printable

LONGEST = 60_000
"""Characters of a comment: GitHub takes 65,536."""
LONGEST_GRAPH = 20_000
"""Characters of one graph; GitHub draws none of over 50,000."""
SIGNS = {**words.SIGNS, "changed": "!"}
"""In blocks of kind `diff`, which colour `+`, `-` and `!`."""
MARK = "<!-- headrace plan -->"
"""By which the comment is found again, to be written anew."""
_TICKS = re.compile("`+")


def report(plan: Plan, graphs: Mapping[str, str]) -> str:
    """The comment; `graphs` has the mermaid text of workflows by name. What is too long is left out, and that is said."""
    for shown, detailed in ((graphs, True), ({}, True), ({}, False)):
        text = "\n".join(_lines(plan, shown, detailed=detailed)) + "\n"
        if len(text) <= LONGEST:
            return text
    return text[:LONGEST] + "\n…\n"


def _lines(plan: Plan, graphs: Mapping[str, str], *, detailed: bool) -> Iterator[str]:
    yield from (
        MARK,
        f"### Headrace plan: {code(plan.before)} → {code(plan.after)}",
        "",
        f"**{words.summary(plan)}**",
        "",
    )
    if plan.findings:
        yield from _fenced("text", [str(finding) for finding in plan.findings])
    if plan.breaking:
        yield from ("#### ⚠️ Breaking", "")
        for one in plan.breaking:
            yield f"- {code(words.broken(one))}"
            yield from (f"  - {code(words.hit(affected))}" for affected in one.affected)
            if strangers := words.strangers(one):
                yield f"  - {strangers}"
        yield ""
    if plan.workflows:
        yield from _table(plan)
    if plan.project:
        lines = [f"{SIGNS[one.change]} {one.key}: {words.key(one)}  {words.touched(one)}" for one in plan.project]
        yield from _folded("project.yaml", _fenced("diff", lines))
    if plan.schedules:
        lines = [f"{SIGNS[one.change]} {one.workflow}: {words.schedule(one)}" for one in plan.schedules]
        yield from _folded("Schedules (times in UTC)", _fenced("diff", lines))
    for workflow in plan.workflows if detailed else ():
        graph = graphs.get(workflow.name, "")
        drawn = _fenced("mermaid", [graph]) if graph and len(graph) <= LONGEST_GRAPH else ()
        title = f"{code(workflow.name)}: {workflow.change}"
        yield from _folded(title, [*_fenced("diff", list(_changes(workflow))), *drawn])
    if not detailed and plan.workflows:
        yield "The details are too long for a comment: run `headrace plan`."
    yield from (f"> {code(note)}" for note in plan.notes)


def _table(plan: Plan) -> Iterator[str]:
    yield from ("| workflow | file | change | tasks | instances that go on |", "|---|---|---|---|---|")
    for one in plan.workflows:
        counts = [(sign, sum(task.change == change for task in one.tasks)) for change, sign in words.SIGNS.items()]
        tasks = ", ".join(f"{sign}{number}" for sign, number in counts if number) or "—"
        running = sum(one.running.values()) or "—"
        yield f"| {code(one.name, table=True)} | {code(one.path, table=True)} | {one.change} | {tasks} | {running} |"
    yield ""


def _changes(workflow: WorkflowChange) -> Iterator[str]:
    for key in workflow.keys:
        yield f"{SIGNS[key.change]} {key.key}: {words.key(key)}"
    for task in workflow.tasks:
        yield f"{SIGNS[task.change]} task {task.path} ({task.kind})"
        yield from (f"{SIGNS[key.change]}   {key.key}: {words.key(key)}" for key in task.keys)
    if running := words.still_running(workflow):
        yield f"# {running}"


def _folded(title: str, body: Iterator[str] | list[str]) -> Iterator[str]:
    yield from ("<details>", f"<summary>{_summary(title)}</summary>", "")
    yield from body
    yield from ("</details>", "")


def _summary(title: str) -> str:
    """Code hosts read no Markdown here."""
    return title.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("`", "")


def _fenced(language: str, lines: list[str]) -> Iterator[str]:
    text = [printable(line) for each in lines for line in each.splitlines() or [""]]
    fence = "`" * max(3, 1 + max((len(run) for line in text for run in _TICKS.findall(line)), default=0))
    yield from (f"{fence}{language}", *text, fence, "")


def code(text: str, *, table: bool = False) -> str:
    """A text as it is, in one line: neither Markdown, nor HTML, nor somebody's name."""
    shown = printable(" ".join(text.split())) or " "
    shown = shown.replace("|", "\\|") if table else shown
    ticks = "`" * (1 + max((len(run) for run in _TICKS.findall(shown)), default=0))
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"
