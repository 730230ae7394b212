"""Outputs that are too large for the state: kept apart by the worker, read in full by expressions and people."""

from __future__ import annotations

import pytest

from engine.app.large_outputs import INLINE, whole
from engine.app.read import tasks_of
from engine.core.codec import definition_from_json
from engine.core.keys import ROOT
from tests.app.worker import Worker

LARGE = 100_000


@pytest.fixture
def worker(world, tmp_path):
    return Worker(world, tmp_path / "artifacts")


def make(value):
    """What gives an output `it`."""
    return {"kind": "python", "params": {"call": "builtins:dict", "args": value}}


def outputs(event):
    assert event["type"] == "TaskSucceeded", event
    return event["outputs"]


def error(event):
    assert event["type"] == "TaskFailed", event
    return event["error"]["kind"]


def test_a_large_output_is_read_in_parts(worker):
    instance = worker.run(
        """
name: parts
tasks:
  make:
    run: |
      echo n=7 > "$HEADRACE_OUTPUT"
      printf 'rows=[%s]\\n' "$(seq -f '{"id": %.0f}' -s, 0 5999)" >> "$HEADRACE_OUTPUT"
    outputs: {rows: {type: array}, n: {type: integer}}
  group:
    needs: make
    tasks:
      use:
        run: test "$SIZE" = 6000; echo "last=$LAST" >> "$HEADRACE_OUTPUT"
        env: {LAST: "${{ tasks.make.outputs.rows[5999].id }}", SIZE: "${{ size(tasks.make.outputs.rows) }}"}
        outputs: {last: {type: integer}}
    outputs: {last: "${{ tasks.use.outputs.last }}"}
outputs: {last: "${{ tasks.group.outputs.last }}", rows: "${{ [tasks.make.outputs.rows[0], tasks.make.outputs.rows[1]] }}"}
"""
    )
    world = worker.world
    assert world.get(instance).outputs == {"last": 5999, "rows": [{"id": 0}, {"id": 1}]}
    kept = world.scope(instance)["tasks"]["make"]["outputs"]
    assert kept["n"] == 7
    assert set(kept["rows"]) == {"$value", "size"}
    assert len(str(world.reader.history(instance))) < 20_000
    world.check_history(instance)


def test_items_and_iterations_pass_them_on(worker):
    instance = worker.run(
        """
name: loops
tasks:
  each:
    for_each: [1, 2]
    run: printf 'it<<END\\n%s\\nEND\\n' "$(head -c 40000 /dev/zero | tr '\\0' x)" > "$HEADRACE_OUTPUT"
    outputs: {it: {type: string}}
  rounds:
    needs: each
    repeat: {until: "size(outputs.it) == 40000 && iteration == 2", max_iterations: 3}
    run: printf 'it<<END\\n%s\\nEND\\n' "$(head -c 40000 /dev/zero | tr '\\0' y)" > "$HEADRACE_OUTPUT"
    outputs: {it: {type: string}}
outputs:
  sizes: "${{ tasks.each.outputs.map(one, size(one.it)) }}"
  last: "${{ size(tasks.rounds.outputs.it) }}"
"""
    )
    world = worker.world
    world.wait_for_timers()
    worker.work()
    assert world.get(instance).outputs == {"sizes": [40_000, 40_000], "last": 40_000}, world.get(instance).error
    world.check_history(instance)


def test_people_see_them_in_full_up_to_a_bound(worker):
    world = worker.world
    world.load("name: two\ntasks: {a: {uses: python, with: {call: 'x:y'}}, b: {uses: python, with: {call: 'x:y'}}}")
    instance = world.starter.start("two", {}, by="ana")
    for command in world.queued():
        told = worker.performer.perform({**command, **make({"it": command["path"] * LARGE})}, worker.never)
        world.advancer.submit([told])
    views = tasks_of(
        definition_from_json(world.instances.store.definition(world.get(instance).digest)),
        world.reader.scopes(instance),
    )
    full = {view.id: view.outputs for view in whole(world.instances.values, instance, views)}
    assert full == {"a": {"it": "a" * LARGE}, "b": {"it": "b" * LARGE}}
    some = {view.id: view.outputs for view in whole(world.instances.values, instance, views, most=LARGE + 10)}
    assert some["a"] == {"it": "a" * LARGE}
    assert some["b"]["it"]["size"] == LARGE + 2


def test_small_ones_stay_in_the_state(worker):
    value = {"it": "x" * (INLINE - 2), "other": [1]}
    assert outputs(worker.perform("", **make(value))) == value
    assert set(outputs(worker.perform("", **make({"it": "x" * (INLINE - 1)})))["it"]) == {"$value", "size"}


def test_a_map_that_looks_like_one_is_taken_for_none(worker):
    world = worker.world
    secret = outputs(worker.perform("", **make({"it": "x" * LARGE})))["it"]
    kept = outputs(worker.perform("", **make({"it": secret})))["it"]
    assert world.instances.values.get("i1", [kept["$value"]]) == {kept["$value"]: secret}
    for harmless in ({"deep": [secret]}, {"$value": 1}, {**secret, "more": 1}):
        assert outputs(worker.perform("", **make({"it": harmless})))["it"] == harmless


def test_limits_hold(world, tmp_path):
    worker = Worker(world, tmp_path, large={"output": 50_000, "instance": 80_000})
    assert error(worker.perform("", **make({"it": "x" * 50_000}))) == "output_too_large"
    assert outputs(worker.perform("", **make({"it": "x" * 40_000})))
    assert outputs(worker.perform("", **make({"it": "x" * 40_000}), attempt=2)), "once, however often it is kept"
    assert error(worker.perform("", **make({"it": "y" * 40_000}))) == "instance_too_large"
    many = {f"n{number}": "x" * 10_000 for number in range(7)}
    assert error(worker.perform("", **make(many))) == "output_too_large", "small ones have 64 KiB together"


def test_a_script_can_give_a_megabyte(worker):
    script = (
        'head -c 1000000 /dev/zero | tr "\\0" x > v; printf "it=" > "$HEADRACE_OUTPUT"; cat v >> "$HEADRACE_OUTPUT"'
    )
    assert outputs(worker.perform(script))["it"]["size"] == 1_000_002
    assert error(worker.perform("head -c 3000000 /dev/zero > $HEADRACE_OUTPUT")) == "output_too_large"


def test_what_is_resent_reads_the_same(worker):
    """The scheduler makes commands of states alone, in a process that has read nothing yet."""
    world = worker.world
    world.load(
        """
name: again
tasks:
  make: {uses: python, with: {call: "x:y"}, outputs: {it: {type: string}}}
  use: {needs: make, uses: python, with: {call: "x:y", args: {n: "${{ size(tasks.make.outputs.it) }}"}}}
"""
    )
    world.starter.start("again", {}, by="ana")
    [command] = world.queued()
    world.advancer.submit([worker.performer.perform({**command, **make({"it": "x" * LARGE})}, worker.never)])
    [use] = world.queued()
    assert use["params"]["args"] == {"n": LARGE}
    world.move(1_000)
    world.recoverer().resend(until=world.recovery.now())
    assert world.queued() == [use]


def test_outputs_with_references_are_not_kept_for_other_instances(worker):
    instance = worker.run(
        """
name: cached
tasks:
  make:
    run: printf 'it=%040000d' 0 > "$HEADRACE_OUTPUT"
    cache: {key: k}
"""
    )
    other = worker.run(worker.text)
    assert worker.world.state(instance) == worker.world.state(other) == "succeeded"
    assert "cached" not in worker.world.scope(other, ROOT)["tasks"]["make"]
