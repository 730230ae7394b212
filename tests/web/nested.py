"""Workflows with tasks in tasks, and instances of them that are under way."""

from __future__ import annotations

from dataclasses import replace

from engine.core.expressions.model import Literal
from engine.core.model import Definition, ForEach, Repeat, TaskList
from tests.core.build import cel as expr
from tests.web.definitions import listing, task


def leaf(kind="script"):
    made, _ = task("", kind=kind)
    return TaskList(tasks={"": made})


def each(items, **keys):
    return ForEach(items=Literal(value=items), **keys)


UNDO = leaf()
HOSTS = {f"host-{number:02}": number for number in range(1, 31)}
FLEET = Definition(
    name="fleet",
    description="Rolls a change out, region by region.",
    tasks=listing(
        task("prepare", kind="group", body=listing(task("compile", kind="script"), task("check", "compile"))),
        task("size", "prepare", kind="switch", cases=(("small", expr("false")), ("large", None))),
        task("at_once", "size.small", kind="script"),
        task(
            "deploy",
            "size.large",
            kind="for_each",
            for_each=each(["eu", "us", "ap"], key=expr("item")),
            body=listing(
                task("roll", kind="script", compensate=UNDO),
                task("probe", "roll", kind="repeat", repeat=Repeat(max_iterations=9), body=replace(leaf(), until=expr("false"))),
                task("open", "probe"),
            ),
        ),
        task("ping", "prepare", kind="for_each", for_each=each(list(HOSTS), key=expr("item")), body=leaf("http")),
        task("tell", "deploy ping", kind="message"),
    ),
    finally_=listing(task("report", kind="message")),
)  # fmt: skip


def wide(number, name="wide"):
    """A fan-out of a leaf."""
    body = leaf("http")
    return Definition(
        name=name,
        tasks=listing(task("ping", kind="for_each", for_each=each(list(range(number))), body=body), task("after", "ping")),
        finally_=listing(task("report", kind="message")),
    )  # fmt: skip


def under_way(world):
    """An instance of `fleet`: one region is open, one has failed, one is probed; of the hosts most have answered."""
    instance = world.start("fleet", by="dora")
    world.settle()
    world.succeed(instance, "prepare/compile")
    world.succeed(instance, "prepare/check")
    for region in ("eu", "us"):
        world.succeed(instance, f"deploy[{region}]/roll", {"version": "42"})
        world.log(instance, f"deploy[{region}]/roll", f"rolled out to {region}")
    world.fail(instance, "deploy[ap]/roll", {"kind": "exit", "message": "the script ended with exit code 3"})
    for number in (1, 2):
        world.succeed(instance, f"deploy[eu]/probe#{number}", {"healthy": number})
    world.fail(instance, "deploy[us]/probe#1", {"kind": "exit", "message": "the script ended with exit code 7"})
    for host, number in HOSTS.items():
        if number == 13:
            world.fail(instance, f"ping[{host}]", {"kind": "http_status", "message": "the answer was 503"})
        elif number < 25:
            world.succeed(instance, f"ping[{host}]", {"status": 200})
    return instance
