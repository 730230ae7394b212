"""What a change takes away that others rely on."""

from __future__ import annotations

from collections.abc import Iterator

from engine.app.plan.affected import Sides, affected, still_calling
from engine.app.plan.input_breaks import input_breaks
from engine.app.plan.model import Affected, Break, BreakKind
from engine.app.plan.outputs import outputs
from engine.app.plan.readers import reads_of
from engine.app.plan.starters import calls_of, listeners_of
from engine.core.model import Definition

ANY = ""
"""Every event of a source; every end of a workflow."""


def breaks(sides: Sides) -> Iterator[Break]:
    """Everything, by workflow, then what project.yaml takes away."""
    then, now = sides.before.workflows, sides.after.workflows
    for name in sorted(then.keys() - sides.after.hidden):
        if name not in now:
            yield _gone(name, sides)
            continue
        before, after = then[name].definition, now[name].definition
        yield from input_breaks(name, before, after, sides)
        yield from _outputs(name, before, after, sides)
        yield from _triggers(name, before, after)
    if sides.before.project and sides.after.project:
        for source in sorted(sides.before.project.webhooks.keys() - sides.after.project.webhooks.keys()):
            message = "is not there any more: calls of it are refused"
            yield Break(kind="source-removed", workflow="", subject=source, message=message, strangers=True)


def _gone(name: str, sides: Sides) -> Break:
    starts = [*calls_of(name, sides.after), *listeners_of(name, sides.after)]
    hit = [affected(start, "needs it") for start in starts]
    hit += still_calling(calls_of(name, sides.before), sides, "starts it")
    message = "cannot be started any more"
    return Break(
        kind="workflow-removed", workflow=name, subject=name, message=message, affected=tuple(hit), strangers=True
    )


def _outputs(name: str, before: Definition, after: Definition, sides: Sides) -> Iterator[Break]:
    """Only where somebody reads them: nothing is refused, and what strangers read cannot be known."""
    then, now = outputs(before), outputs(after)
    reads = list(reads_of(name, sides.after))
    for key, one in then.items():
        other = now.get(key)
        if key in now and (one is None or other is None or one == other):
            continue
        hit = tuple(
            Affected(
                kind=read.kind,
                workflow=read.workflow,
                path=read.path,
                where=read.where,
                message="reads it" if read.output else "reads all outputs at once",
            )
            for read in reads
            if read.output in ("", key)
        )
        kind: BreakKind = "output-changed" if key in now else "output-removed"
        message = f"is of type {other} instead of {one}" if key in now else "is not given any more"
        if hit:
            yield Break(kind=kind, workflow=name, subject=key, message=message, affected=hit)


def _triggers(name: str, before: Definition, after: Definition) -> Iterator[Break]:
    now = _listened(after)
    for kind, what, detail in sorted(_listened(before) - now):
        if (kind, what, ANY) not in now:
            subject = f"on.{kind} {what}" + (f" ({detail})" if detail else "")
            yield Break(
                kind="trigger-removed",
                workflow=name,
                subject=subject,
                message="does not start it any more",
                strangers=kind != "workflow",
            )


def _listened(definition: Definition) -> set[tuple[str, str, str]]:
    """What starts it from outside of its file, schedules apart: kind, name, and what of it."""
    found = {("webhook", one.source, event) for one in definition.webhooks for event in one.events or (ANY,)}
    found |= {("event", one.type, ANY) for one in definition.events}
    ends = [(one.name, ANY if one.outcome == "done" else one.outcome) for one in definition.workflows]
    return found | {("workflow", name, outcome) for name, outcome in ends}
