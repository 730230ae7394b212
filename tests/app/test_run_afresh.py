"""What a retry names runs again, though its earlier result is kept; on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from engine.app.pause import Pauser
from tests.app.world import World

LEAF = "tasks:\n  a: {run: ./a, cache: {key: k}, outputs: {n: {}}}\n"
GROUP = "tasks:\n  g: {tasks: {a: {run: ./a, cache: {key: k}, outputs: {n: {}}}}}\n"
ITEMS = "tasks:\n  each: {for_each: [1, 2], run: ./a, cache: {key: k}, outputs: {n: {}}}\n"
NESTED = (
    "tasks:\n  each: {for_each: [1], tasks: {g: {repeat: {until: 'true', max_iterations: 1}, "
    "tasks: {a: {run: ./a, cache: {key: k}, outputs: {n: {}}}}}}}\n"
)


def answer(world: World, outputs: Any = None, *, error: str = "") -> list[str]:
    """A worker answers all that is asked: the paths of that."""
    commands = world.queued()
    for command in commands:
        world.answer(command, outputs, error=error)
    while world.notice():
        pass
    return [command["path"] for command in commands]


@pytest.mark.parametrize(
    ("text", "named", "path"),
    [
        (LEAF, "a", "a"),
        (GROUP, "g", "g/a"),
        (GROUP, "g/a", "g/a"),
        (ITEMS, "each[1]", "each[1]"),
        (NESTED, "each", "each[0]/g#1/a"),
        (NESTED, "each[0]/g", "each[0]/g#1/a"),
    ],
)
def test_a_task_that_is_named_runs_and_what_it_gives_is_kept_instead(world, retrier, text, named, path):
    first = world.start(text)
    assert path in answer(world, {"n": 1})
    retrier.retry(first, by="ana", tasks=[named])
    assert answer(world, {"n": 2}) == [path]
    assert world.state(first) == "succeeded"
    later = world.start(text)
    assert answer(world) == [], "all is taken"
    scope, _, task = path.rpartition("/")
    found = world.run(later, task if "[" not in task else "", scope if "[" not in task else path)
    assert (found["cached"], found["outputs"]) == (True, {"n": 2})
    for instance in (first, later):
        world.check_history(instance)


def test_what_was_taken_is_run_where_it_is_named(world, retrier):
    world.start(LEAF)
    answer(world, {"n": 1})
    second = world.start(LEAF)
    assert world.run(second, "a")["cached"] is True
    retrier.retry(second, by="ana", tasks=["a"])
    assert answer(world, {"n": 2}) == ["a"]
    assert "cached" not in world.run(second, "a")
    assert world.run(second, "a")["outputs"] == {"n": 2}
    world.check_history(second)


@pytest.mark.parametrize(("text", "named", "path"), [(LEAF, "a", "a"), (GROUP, "g", "g/a"), (ITEMS, "each", "each[0]")])
def test_one_that_failed_since_it_was_named_takes_nothing_either_until_it_has_succeeded(
    world, retrier, text, named, path
):
    instance = world.start(text)
    answer(world, {"n": 1})
    retrier.retry(instance, by="ana", tasks=[named])
    assert path in answer(world, error="exit")
    retrier.retry(instance, by="ana")
    assert path in answer(world, {"n": 2})
    assert world.state(instance) == "succeeded"
    scopes = world.reader.scopes(instance).values()
    assert not [run for state in scopes for run in state["tasks"].values() if "afresh" in run]
    world.check_history(instance)


def test_what_only_comes_after_it_takes_what_there_is(world, retrier):
    text = f"{LEAF}  b: {{needs: a, run: ./b, cache: {{key: 'n=${{{{ tasks.a.outputs.n }}}}'}}}}\n"
    instance = world.start(text)
    answer(world, {"n": 1})
    answer(world, {})
    for n, run in ((1, []), (2, ["b"])):
        retrier.retry(instance, by="ana", tasks=["a"])
        assert answer(world, {"n": n}) == ["a"]
        assert answer(world, {}) == run
        assert world.state(instance) == "succeeded"
    world.check_history(instance)


def test_it_is_not_forgotten_over_a_pause(world, retrier):
    pauser = Pauser(reader=world.instances.reader, advancer=world.advancer)
    instance = world.start(f"{LEAF}  b: {{run: ./b}}\n  c: {{needs: [a, b], run: ./c, cache: {{key: c}}}}\n")
    assert sorted(answer(world, {"n": 1})) == ["a", "b"]
    answer(world, {})
    retrier.retry(instance, by="ana", tasks=["b", "c"])
    pauser.pause(instance, by="ana")
    assert answer(world, {}) == ["b"]
    pauser.resume(instance, by="ana")
    assert answer(world, {}) == ["c"], "it was named, and had a result"
    world.check_history(instance)
