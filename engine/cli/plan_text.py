"""A plan for people in a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from engine.app.plan.model import Plan, WorkflowChange
from engine.cli import plan_words as words
from engine.spec.findings import printable

STYLES = {"+": "green", "-": "red", "~": "yellow", "!": "bold red"}
Line = tuple[str, str]
"""The style of a line (none: empty), and the line."""


def report(plan: Plan) -> list[Line]:
    """The lines, with no character that a terminal would obey."""
    return [(style, printable(text)) for style, text in _lines(plan)]


def _lines(plan: Plan) -> Iterator[Line]:
    yield "bold", f"Plan: {plan.before} → {plan.after}"
    yield "", ""
    for finding in plan.findings:
        yield "red" if finding.severity == "error" else "yellow", str(finding)
    if plan.findings:
        yield "", ""
    for workflow in plan.workflows:
        yield from _workflow(workflow)
    yield from _project(plan)
    if plan.schedules:
        yield "bold", "Schedules (UTC)"
        for schedule in plan.schedules:
            sign = words.SIGNS[schedule.change]
            yield STYLES[sign], f"  {sign} {schedule.workflow}: {words.schedule(schedule)}"
        yield "", ""
    yield from _breaking(plan)
    for note in plan.notes:
        yield "yellow", f"Note: {note}"
    yield "bold", words.summary(plan)


def _workflow(workflow: WorkflowChange) -> Iterator[Line]:
    sign = words.SIGNS[workflow.change]
    yield STYLES[sign], f"{sign} {workflow.name}  {workflow.path}"
    for key in workflow.keys:
        yield from _key("    ", key.key, words.SIGNS[key.change], words.key(key))
    for task in workflow.tasks:
        mark = words.SIGNS[task.change]
        if workflow.change == "changed":
            yield STYLES[mark], f"    {mark} {task.path} ({task.kind})"
        for key in task.keys:
            yield from _key("        ", key.key, words.SIGNS[key.change], words.key(key))
    if workflow.change != "changed":
        yield "", f"    {len(workflow.tasks)} task{'' if len(workflow.tasks) == 1 else 's'}"
    if running := words.still_running(workflow):
        yield "yellow", f"    {running}"
    yield "", ""


def _key(indent: str, name: str, sign: str, told: str) -> Iterator[Line]:
    yield STYLES[sign], f"{indent}{sign} {name}: {told}"


def _project(plan: Plan) -> Iterator[Line]:
    if plan.project:
        yield "bold", "project.yaml"
        for one in plan.project:
            used = words.touched(one)
            text = words.key(one) + (f"  ({used})" if used else "")
            yield from _key("    ", one.key, words.SIGNS[one.change], text)
        yield "", ""


def _breaking(plan: Plan) -> Iterator[Line]:
    if plan.breaking:
        yield "bold red", "Breaking"
        for one in plan.breaking:
            yield "red", f"  ! {words.broken(one)}"
            for affected in one.affected:
                yield "", f"      {words.hit(affected)}"
            if strangers := words.strangers(one):
                yield "", f"      {strangers}"
        yield "", ""
