"""The workflows and the people of the world that pages, API and command line are tried on."""

from __future__ import annotations

from dataclasses import replace

from engine.core.expressions.model import Literal
from engine.core.model import Definition, Edge, Join, ScheduleTrigger, Task, TaskList
from engine.core.outcomes import positive
from engine.core.project import Person, Project

PROJECT = Project(
    people={
        "ana": Person(name="ana", emails=("ana@example.com",)),
        "ben": Person(name="ben", emails=("ben@example.com", "Ben.Alt@example.com")),
        "cleo": Person(name="cleo", emails=("cleo@example.com",), logins=("cleo-hub",)),
        "dora": Person(name="dora", emails=("dora@example.com",)),
    },
    groups={"release-managers": ("ana", "ben", "cleo"), "juniors": ("cleo", "dora")},
    approval_identity="link",
)


def task(name, needs="", *, kind="http", join="all", **keys):
    """A task with its `needs` in the short form, `build risk.high`; parameters as plain JSON."""
    params = Literal(value=keys.pop("params", {}))
    return Task(id=name, kind=kind, join=Join(mode=join), params=params, **keys), needs


def listing(*entries):
    kinds = {made.id: made.kind for made, _ in entries}
    done, followers = {}, {}
    for made, needs in entries:
        edges = []
        for need in needs.split():
            source, _, outcome = need.partition(".")
            edges.append(Edge(source=source, outcome=outcome or positive(kinds[source])))
            followers.setdefault(source, []).append(made.id)
        done[made.id] = replace(made, edges=tuple(edges))
    return TaskList(tasks=done, followers={name: tuple(dict.fromkeys(found)) for name, found in followers.items()})


def approval(**params):
    return {"message": "Release billing?", "approvers": ["group:release-managers"], **params}


RELEASE = Definition(
    name="release",
    description="Build, approve and roll out one service.",
    inputs={
        "type": "object",
        "properties": {
            "service": {"type": "string", "pattern": "^[a-z-]+$", "description": "What to roll out"},
            "sha": {"type": "string", "pattern": "^[0-9a-f]{7,40}$"},
            "percent": {"type": "integer", "minimum": 1, "maximum": 100, "default": 100},
            "channel": {"enum": ["stable", "beta"], "default": "stable"},
            "dry_run": {"type": "boolean", "default": False},
            "regions": {"type": "array", "items": {"type": "string"}, "default": ["eu", "us"]},
        },
        "required": ["service", "sha"],
        "additionalProperties": False,
    },
    tasks=listing(
        task("fetch_sources", kind="script"),
        task("build", "fetch_sources"),
        task("unit_tests", "fetch_sources", kind="script"),
        task("integration_tests", "build", kind="script", description="Against a copy of production."),
        task("scan", "build"),
        task(
            "approve",
            "unit_tests integration_tests scan",
            kind="approval",
            params=approval(
                message="Release billing at 3f9c2a7?\nThe change log is in the ticket.",
                require=2,
                exclude=["author", "starter"],
                form={"change_ticket": {"type": "string", "pattern": "^CHG-[0-9]+$", "title": "Change ticket"}},
                expires="24h",
            ),
        ),
        task("deploy", "approve", kind="script"),
        task("refused", "approve.rejected approve.expired", kind="message", join="any"),
    ),
    finally_=listing(task("report", kind="message"), task("clean_up", "report.done", kind="script")),
)
GATE = Definition(
    name="gate",
    tasks=listing(task("ask", kind="approval", params=approval()), task("go", "ask")),
    finally_=listing(),
    inputs={"type": "object", "properties": {"note": {"type": "string", "default": ""}}, "additionalProperties": False},
)
NIGHTLY = Definition(
    name="nightly-cleanup",
    description="Throws away what nobody needs.",
    tasks=listing(
        task("list_images", kind="script"), task("delete", "list_images"), task("tell", "delete.failed", kind="message")
    ),
    finally_=listing(),
    schedules=(ScheduleTrigger(cron="30 2 * * *", timezone="Europe/Paris"),),
)
