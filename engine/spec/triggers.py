"""Compiles `on`: what starts instances of a workflow by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from engine.core.expressions.model import Expression, Template
from engine.core.model import EventTrigger, ScheduleTrigger, WebhookTrigger, WorkflowTrigger
from engine.spec.calls import Calls, check_inputs
from engine.spec.fields import Values
from engine.spec.models import WorkflowKeys
from engine.spec.names import Scope
from engine.spec.nodes import Path
from engine.spec.notebook import Notebook
from engine.spec.schema_check import object_schema
from engine.spec.templates import Expressions

CRON_FIELDS = 5
_SOME_DAY = datetime(2024, 1, 1, tzinfo=UTC)
"""From when a schedule is asked for its first time: leap days are not far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggers:
    """What starts one workflow."""

    webhooks: tuple[WebhookTrigger, ...]
    schedules: tuple[ScheduleTrigger, ...]
    events: tuple[EventTrigger, ...]
    workflows: tuple[WorkflowTrigger, ...]


def compile_triggers(expressions: Expressions, keys: WorkflowKeys, scope: Scope, *, timezone: str) -> Triggers:
    """The triggers of a workflow; `timezone` is that of schedules which name none."""
    wanted = object_schema(keys.inputs)

    def entry(kind: str, index: int) -> tuple[Expression | None, Template]:
        path: Path = ("on", kind, index)
        return expressions.bare((*path, "if"), scope), expressions.template((*path, "inputs"), scope, expected=wanted)

    webhooks, schedules, events, workflows = [], [], [], []
    for index, webhook in enumerate(keys.on.webhook):
        condition, inputs = entry("webhook", index)
        webhooks.append(
            WebhookTrigger(source=webhook.source, events=tuple(webhook.events), condition=condition, inputs=inputs)
        )
    for index, schedule in enumerate(keys.on.schedule):
        _, inputs = entry("schedule", index)
        schedules.append(
            ScheduleTrigger(
                cron=" ".join(schedule.cron.split()),
                timezone=schedule.timezone or timezone,
                overlap=schedule.overlap,
                catch_up=schedule.catch_up,
                inputs=inputs,
            )
        )
    for index, event in enumerate(keys.on.event):
        condition, inputs = entry("event", index)
        events.append(EventTrigger(type=event.type, condition=condition, inputs=inputs))
    for index, after in enumerate(keys.on.workflow):
        condition, inputs = entry("workflow", index)
        workflows.append(WorkflowTrigger(name=after.name, outcome=after.outcome, condition=condition, inputs=inputs))
    return Triggers(
        webhooks=tuple(webhooks), schedules=tuple(schedules), events=tuple(events), workflows=tuple(workflows)
    )


def check_triggers(notebook: Notebook, keys: WorkflowKeys, calls: Calls) -> None:
    """Note what is wrong with times, names of workflows, and inputs."""
    given: list[tuple[str, int, Values]] = [
        *(("webhook", index, entry.inputs) for index, entry in enumerate(keys.on.webhook)),
        *(("schedule", index, entry.inputs) for index, entry in enumerate(keys.on.schedule)),
        *(("event", index, entry.inputs) for index, entry in enumerate(keys.on.event)),
        *(("workflow", index, entry.inputs) for index, entry in enumerate(keys.on.workflow)),
    ]
    for kind, index, inputs in given:
        check_inputs(notebook, inputs, keys, ("on", kind, index, "inputs"), who="this trigger", whom="the workflow")
    for index, schedule in enumerate(keys.on.schedule):
        path: Path = ("on", "schedule", index)
        if reason := _wrong_cron(schedule.cron):
            notebook.note((*path, "cron"), "bad-value", reason)
        if schedule.timezone is not None and not is_zone(schedule.timezone):
            notebook.note((*path, "timezone"), "bad-value", not_a_zone(schedule.timezone))
    for index, after in enumerate(keys.on.workflow):
        calls.check_name(notebook, after.name, ("on", "workflow", index, "name"))


def is_zone(name: str) -> bool:
    """Whether this is the name of a time zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # OSError: a directory of the zone database, such as "Europe"
        return False
    return True


def not_a_zone(name: str) -> str:
    """What is said of a name that is no time zone."""
    return f'"{name}" is no IANA time zone, such as Europe/Paris or UTC'


def _wrong_cron(text: str) -> str:
    """What is wrong with a cron expression; empty if nothing is."""
    if len(text.split()) != CRON_FIELDS:
        return f'"{text[:64]}" has not five fields: minute, hour, day of month, month, day of week'
    try:
        next(CronSim(text, _SOME_DAY))
    except CronSimError as error:
        return f'"{text[:64]}" is no cron expression: {str(error).lower()}'
    except StopIteration:
        return f'"{text[:64]}" never comes: there is no such day'
    return ""
