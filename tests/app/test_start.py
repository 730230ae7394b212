"""Starting: once per key, with inputs that fit, said only after a durable commit."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.app.admission import LIMIT
from engine.errors import Invalid, NotFound, Unavailable
from tests.app.world import NOOP, World

BODY = f"tasks:\n  a: {NOOP}}}\n"


def misfits(world: World, inputs) -> list[str]:
    with pytest.raises(Invalid) as raised:
        world.starter.start("w", inputs, by="ana")
    assert world.reader.list() == []
    return [problem.pointer for problem in raised.value.problems]


def test_the_same_key_starts_once_however_often_and_whoever_asks(world):
    world.load(f"name: w\n{BODY}")
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda _: world.starter.start("w", {}, by="ana", start_key="once"), range(48)))
    assert len(set(made)) == 1
    assert [instance.id for instance in world.reader.list()] == made[:1]
    assert len(world.queued()) == 1


def test_a_key_is_worth_its_first_instance_whatever_became_of_the_workflow(world):
    instance = world.start(BODY, start_key="once")
    world.load(f"name: other\n{BODY}")
    assert world.starter.start("w", {"gone": True}, by="ana", start_key="once") == instance


def test_without_a_key_every_start_is_one(world):
    world.load(f"name: w\n{BODY}")
    assert len({world.starter.start("w", {}, by="ana") for _ in range(3)}) == 3


def test_a_start_whose_answer_was_lost_is_found_by_its_key(world):
    world.load(f"name: w\n{BODY}")
    world.faults.answer_lost = True
    with pytest.raises(Unavailable):
        world.starter.start("w", {}, by="ana", start_key="once")
    (first,) = world.reader.list()
    assert world.starter.start("w", {}, by="ana", start_key="once") == first.id
    world.move(1_000)
    world.relay.run_once()
    world.work()
    assert world.state(first.id) == "succeeded"


def test_an_unknown_workflow_is_named_with_a_suggestion(world):
    world.load(f"name: release\n{BODY}")
    with pytest.raises(NotFound, match="release"):
        world.starter.start("relaese", {}, by="ana")


def test_defaults_are_filled_in_and_what_was_given_counts(world):
    world.load(f"name: w\ninputs:\n  n: {{type: integer, default: 3}}\n  on: {{type: boolean, default: true}}\n{BODY}")
    instance = world.starter.start("w", {"n": 4}, by="ana")
    assert world.get(instance).inputs == {"n": 4, "on": True}


def test_what_does_not_fit_is_pointed_at(world):
    world.load(
        "name: w\ninputs:\n  n: {type: integer}\n"
        "  map: {type: object, default: {}, additionalProperties: {type: string}}\n"
        f"  mail: {{type: string, format: email, default: a@example.com}}\n{BODY}"
    )
    assert misfits(world, {"n": "four"}) == ["/n"]
    assert misfits(world, {"n": 1, "map": {"a/b~c": 5}}) == ["/map/a~1b~0c"]
    assert misfits(world, {"n": 1, "mail": "no address"}) == ["/mail"]
    assert misfits(world, {}) == [""]
    assert misfits(world, {"n": 1, "more": 1}) == [""]


@pytest.mark.parametrize(
    "value",
    ["\0", "\ud800", float("nan"), float("inf"), 2**63, -(2**70), {"a\0": 1}, {"deep": [[["\udfff"]]]}],
    ids=repr,
)
def test_what_no_database_keeps_is_refused(world, value):
    world.load(f"name: w\ninputs:\n  x: {{}}\n{BODY}")
    (pointer,) = misfits(world, {"x": value})
    assert pointer.startswith("/x")


def test_what_is_nested_without_end_is_refused(world):
    world.load(f"name: w\ninputs:\n  x: {{}}\n{BODY}")
    nested: list = []
    for _ in range(5_000):
        nested = [nested]
    misfits(world, {"x": nested})


def test_what_is_too_large_is_refused_with_a_short_answer(world):
    world.load(f"name: w\ninputs:\n  x: {{type: [string, array], pattern: '^y', items: {{type: string}}}}\n{BODY}")
    misfits(world, {"x": "y" * LIMIT})
    with pytest.raises(Invalid) as raised:
        world.starter.start("w", {"x": "z" * (LIMIT // 2)}, by="ana")
    assert sum(len(problem.detail) for problem in raised.value.problems) < 1_000
    with pytest.raises(Invalid) as raised:
        world.starter.start("w", {"x": [1] * 10_000}, by="ana")
    assert len(raised.value.problems) <= 100


def test_a_pattern_runs_in_linear_time_whatever_it_is_given(world):
    world.load(f"name: w\ninputs:\n  x: {{type: string, pattern: '^(a|a)*(b|b)*(a|b)*$'}}\n{BODY}")
    started = time.monotonic()
    misfits(world, {"x": "ab" * 100_000 + "!"})
    assert time.monotonic() - started < 5, "seconds: backtracking would take centuries"


def test_checks_are_held_before_anything_exists(world):
    world.load(
        "name: w\ninputs:\n  n: {type: integer}\nchecks:\n"
        "  - {if: inputs.n < 5, message: 'At most four, not ${{ inputs.n }}.'}\n"
        "  - {if: 10 / inputs.n > 1, message: never}\n"
        f"{BODY}"
    )
    with pytest.raises(Invalid, match="At most four, not 7"):
        world.starter.start("w", {"n": 7}, by="ana")
    with pytest.raises(Invalid, match="could not be evaluated"):
        world.starter.start("w", {"n": 0}, by="ana")
    assert world.reader.list() == []
    world.starter.start("w", {"n": 2}, by="ana")


def test_an_instance_goes_on_with_the_definition_it_was_started_with(world):
    instance = world.start(f"tasks:\n  a: {NOOP}}}\n  b: {{needs: a, {NOOP[1:]}}}\n")
    (command,) = world.queued()
    world.load(f"name: w\ntasks:\n  other: {NOOP}}}\n")
    world.answer(command)
    assert [command["path"] for command in world.queued()] == ["b"]
    world.check_history(instance)


def test_a_large_workflow(world):
    tasks = "".join(f"  t{n}: {{{f'needs: t{n - 1}, ' if n % 10 else ''}{NOOP[1:]}}}\n" for n in range(500))
    instance = world.start(f"tasks:\n{tasks}")
    assert len(world.queued()) == 50
    assert world.state(instance) == "running"
