"""What starts after another workflow's instance has ended: once, whatever dies meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from engine.app.triggers import DEEPEST
from engine.core.expressions.model import Literal, MapOf
from engine.core.model import WorkflowTrigger
from engine.errors import Unavailable
from tests.app.world import NOOP, World
from tests.core.build import cel

BUILD = f"name: build\ninputs: {{sha: {{type: string}}}}\ntasks:\n  a: {NOOP}}}\noutputs: {{image: '${{{{ inputs.sha }}}}'}}\n"
RELEASE = f"name: release\ninputs: {{image: {{type: string, default: none}}}}\ntasks:\n  a: {NOOP}}}\n"
FROM_OUTPUTS = MapOf(items=(("image", cel("trigger.body.outputs.image")),))


def load(world: World, *entries: WorkflowTrigger) -> None:
    world.load(BUILD, RELEASE, release={"workflows": entries})


def build(world: World, *, fails: bool = False) -> str:
    instance = world.starter.start("build", {"sha": "abc"}, by="ana")
    (command,) = [command for command in world.queued() if command["instance"] == instance]
    world.answer(command, error="broken" if fails else "")
    return instance


def releases(world: World) -> list[Any]:
    return list(world.reader.list(workflow="release"))


def test_a_success_is_followed_once(world):
    load(world, WorkflowTrigger(name="build", inputs=FROM_OUTPUTS))
    first = build(world)
    assert world.after().run_once() == 1
    assert world.after().run_once() == 0
    (release,) = releases(world)
    assert release.inputs == {"image": "abc"}
    assert (release.started_by, release.depth, release.parent) == ("ana", 1, None)
    trigger = release.trigger
    assert trigger.pop("received_at").endswith("Z")
    assert trigger == {
        "source": "workflow",
        "event": "succeeded",
        "headers": {},
        "id": first,
        "body": {
            "workflow": "build",
            "instance": first,
            "state": "succeeded",
            "outcome": "succeeded",
            "outputs": {"image": "abc"},
            "error": None,
            "inputs": {"sha": "abc"},
        },
    }


def test_it_is_written_in_the_file(world):
    entry = (
        '{name: build, if: "trigger.body.inputs.sha == \'abc\'", inputs: {image: "${{ trigger.body.outputs.image }}"}}'
    )
    world.load(BUILD, RELEASE.replace("tasks:", f"on: {{workflow: [{entry}]}}\ntasks:"))
    build(world)
    world.after().run_once()
    assert [one.inputs for one in releases(world)] == [{"image": "abc"}]


@pytest.mark.parametrize(
    ("outcome", "fails", "follows"),
    [("succeeded", True, 0), ("failed", True, 1), ("failed", False, 0), ("done", True, 1), ("done", False, 1)],
)
def test_what_is_listened_for(world, outcome, fails, follows):
    load(world, WorkflowTrigger(name="build", outcome=outcome))
    build(world, fails=fails)
    assert world.after().run_once() == 1
    assert len(releases(world)) == follows


def test_a_cancelled_one_is_followed_too(world):
    load(world, WorkflowTrigger(name="build", outcome="cancelled"))
    instance = world.starter.start("build", {"sha": "abc"}, by="ana")
    world.canceller.cancel(instance, by="ben")
    world.move(20_000)
    world.wait_for_timers()
    world.after().run_once()
    (release,) = releases(world)
    assert release.trigger["body"]["error"]["cancelled"]["by"] == "ben"


@pytest.fixture
def retry(world):
    retrier = world.retrier()

    def again(instance: str, *, fails: bool = False) -> None:
        retrier.retry(instance, by="ben")
        (command,) = [command for command in world.queued() if command["instance"] == instance]
        world.answer(command, error="broken" if fails else "")

    return again


@pytest.mark.parametrize("outcome", ["done", "succeeded"])
def test_an_end_that_a_retry_took_back_is_not_followed_but_the_next_one(world, retry, outcome):
    """Both ends are known by the time that somebody looks, and the instance is as the last one left it."""
    load(world, WorkflowTrigger(name="build", outcome=outcome))
    instance = build(world, fails=True)
    retry(instance)
    assert world.after().run_once() == 2
    (release,) = releases(world)
    assert release.trigger["body"]["state"] == "succeeded"
    world.after().run_once()
    assert world.reader.ended() == {("build", "failed"): 1, ("build", "succeeded"): 1}


def test_an_end_that_a_retry_takes_back_while_somebody_looks_is_not_followed_but_the_next_one(
    world, retry, monkeypatch
):
    load(world, WorkflowTrigger(name="build", outcome="done"))
    instance = build(world, fails=True)
    world.move(1_000)
    really = world.reader.get

    def late(name: str) -> Any:
        monkeypatch.undo()
        retry(instance)
        return really(name)

    after = world.after()
    monkeypatch.setattr(world.reader, "get", late)
    assert after.run_once() == 1
    assert releases(world) == []
    assert world.after().run_once() == 1
    assert len(releases(world)) == 1


def test_the_first_entry_that_takes_it_counts(world):
    no = WorkflowTrigger(name="build", condition=cel("trigger.body.inputs.sha == 'x'"))
    one = WorkflowTrigger(name="build", inputs=Literal(value={"image": "one"}))
    two = WorkflowTrigger(name="build", inputs=Literal(value={"image": "two"}))
    load(world, no, WorkflowTrigger(name="release"), one, two)
    build(world)
    world.after().run_once()
    assert [one.inputs for one in releases(world)] == [{"image": "one"}]


def test_where_nobody_listens_the_row_just_goes(world, monkeypatch):
    load(world)
    build(world)
    monkeypatch.setattr(world.reader, "get", None)
    assert world.after().run_once() == 1
    assert world.instances.ends.read() == []


def test_a_crash_before_the_row_is_gone_starts_nothing_twice(world, monkeypatch):
    load(world, WorkflowTrigger(name="build"))
    build(world)
    with monkeypatch.context() as patch:
        patch.setattr(world.instances.ends, "forget", _away)
        with pytest.raises(Unavailable):
            world.after().run_once()
    assert len(releases(world)) == 1
    assert world.after().run_once() == 1
    assert len(releases(world)) == 1
    assert world.instances.ends.read() == []


def test_what_was_started_before_a_crash_does_not_keep_the_rest_from_starting(world, monkeypatch):
    load(world, WorkflowTrigger(name="build"))
    build(world)
    with monkeypatch.context() as patch:
        patch.setattr(world.instances.ends, "forget", _away)
        with pytest.raises(Unavailable):
            world.after().run_once()
    build(world)
    build(world)
    assert world.after().run_once() == 3
    assert len({one.trigger["id"] for one in releases(world)}) == len(releases(world)) == 3


def test_a_round_is_short_and_the_next_goes_on(world, monkeypatch):
    monkeypatch.setattr("engine.app.after_workflows.AT_ONCE", 2)
    load(world, WorkflowTrigger(name="build"))
    for _ in range(3):
        build(world)
    assert world.after().run_once() == 2
    assert world.after().run_once() == 1
    assert len(releases(world)) == 3


def test_an_outage_loses_nothing(world, monkeypatch):
    load(world, WorkflowTrigger(name="build"))
    build(world)
    with monkeypatch.context() as patch:
        patch.setattr(world.definitions, "listeners", _away)
        with pytest.raises(Unavailable):
            world.after().run_once()
    world.faults.answer_lost = True
    with pytest.raises(Unavailable):
        world.after().run_once()
    world.after().run_once()
    assert len(releases(world)) == 1


def test_one_that_cannot_be_started_holds_up_nobody(world):
    load(world, WorkflowTrigger(name="build", inputs=MapOf(items=(("image", cel("trigger.body.outputs.image")),))))
    build(world, fails=True)
    world.load(
        BUILD, RELEASE, release={"workflows": (WorkflowTrigger(name="build", outcome="done", inputs=FROM_OUTPUTS),)}
    )
    build(world)
    assert world.after().run_once() == 2
    assert len(releases(world)) == 1  # a failed one has no outputs


def test_a_version_that_cannot_be_read_holds_up_nobody(world, monkeypatch):
    """Nor any other that listens to the same end."""
    other = RELEASE.replace("release", "announce")
    hears = {"workflows": (WorkflowTrigger(name="build"),)}
    world.load(BUILD, RELEASE, other, release=hears, announce=hears)
    build(world)
    broken = next(one.version for one in world.definitions.listeners("workflow") if one.workflow == "announce")
    really = world.definitions.version

    def version(id: str) -> Any:
        if id == broken:
            raise RuntimeError("nobody foresaw this")
        return really(id)

    monkeypatch.setattr(world.definitions, "version", version)
    assert world.after().run_once() == 1
    assert len(releases(world)) == 1
    assert world.after().run_once() == 0


def test_a_circle_is_cut(world):
    load(world, WorkflowTrigger(name="release"), WorkflowTrigger(name="build"))
    build(world)
    for _ in range(DEEPEST + 5):
        world.after().run_once()
        world.work()
    assert [one.depth for one in releases(world)] == list(range(DEEPEST, 0, -1))
    assert world.instances.ends.read() == []


def test_the_scheduler_that_leads_starts_them(world):
    load(world, WorkflowTrigger(name="build"))
    build(world)
    assert world.scheduler().run_once() == 1
    assert len(releases(world)) == 1


def _away(*_args: object) -> Any:
    raise Unavailable("the database")
