"""The pause and retry buttons, on both databases."""

from __future__ import annotations

import pytest

from engine.app.cancel import Canceller
from engine.app.pause import Pauser
from engine.core.events import AttemptAlive, AttemptLost, TaskSucceeded
from engine.errors import Conflict, NotFound
from tests.app.world import NOOP, PROJECT, World

CHAIN = f"tasks:\n  a: {NOOP}}}\n  b: {{needs: a, {NOOP[1:]}}}\n  c: {{needs: b, {NOOP[1:]}}}\n"


@pytest.fixture
def pauser(world: World) -> Pauser:
    return Pauser(reader=world.instances.reader, advancer=world.advancer)


def test_an_attempt_that_is_lost_is_not_made_again_before_the_pause_is_over(world, pauser):
    instance = world.start(CHAIN)
    (command,) = world.queued()
    pauser.pause(instance, by="ana")
    world.tell(instance, AttemptLost(task="a", attempt=1))
    assert world.queued() == []
    run = world.run(instance, "a")
    assert (run["state"], run["held"], run["attempt"], run["losses"]) == ("waiting", "again", 1, 1)
    pauser.resume(instance, by="ana")
    (again,) = world.queued()
    assert (again["path"], again["attempt"]) == ("a", command["attempt"] + 1)
    world.answer(again)
    world.work()
    assert world.state(instance) == "succeeded"
    world.check_history(instance)


@pytest.mark.parametrize("fails_again", [False, True])
def test_who_retries_on_the_newest_version_after_somebody_else_has_retried_is_told(
    world, retrier, monkeypatch, fails_again
):
    """Also if both looked before: the other's instance goes on with its own version."""
    instance = world.start(CHAIN)
    (command,) = world.queued()
    world.answer(command, error="no route")
    world.load(f"name: w\n{CHAIN}  z: {{needs: c, {NOOP[1:]}}}\n")
    really = world.advancer.submit

    def late(notifications, **given):
        monkeypatch.undo()
        retrier.retry(instance, by="ben")
        if fails_again:  # elsewhere perhaps, so that the newest version fits no more
            world.answer(*world.queued(), error="no route")
        return really(notifications, **given)

    monkeypatch.setattr(world.advancer, "submit", late)
    digest = world.get(instance).digest
    with pytest.raises(Conflict, match="somebody else has retried"):
        retrier.retry(instance, by="ana", newest=True)
    assert (world.state(instance), world.get(instance).digest) == ("failed" if fails_again else "running", digest)
    if fails_again:
        retrier.retry(instance, by="ana")
    world.work()
    assert world.state(instance) == "succeeded"
    world.check_history(instance)


FAILS = "name: w\ntasks:\n  a: {uses: fail, with: {message: %s}}\n"


def test_a_retry_that_ends_at_once_as_before_is_an_end_of_its_own(world, retrier):
    """Within one transaction the state does not move: why and when it ended does, and who waits for ends hears of it."""
    world.load(FAILS % "one")
    instance = world.starter.start("w", {}, by="ana")
    before = world.get(instance)
    assert (before.state, before.error["failures"][0]["error"]["message"]) == ("failed", "one")
    world.move(60_000)
    world.load(FAILS % "two")
    retrier.retry(instance, by="ana", newest=True)
    after = world.get(instance)
    assert (after.state, after.error["failures"][0]["error"]["message"]) == ("failed", "two")
    assert after.finished_at >= before.finished_at + 60_000
    assert [end.last for end in world.instances.ends.read()] == [False, True]
    world.check_history(instance)


def test_an_event_that_comes_too_late_is_no_end(world):
    world.load(FAILS % "one")
    instance = world.starter.start("w", {}, by="ana")
    before = world.get(instance)
    world.move(60_000)
    world.tell(instance, TaskSucceeded(task="a", attempt=1, outputs=None))
    assert world.get(instance) == before
    assert len(world.instances.ends.read()) == 1


def test_nothing_new_starts_while_it_is_paused(world, pauser):
    instance = world.start(CHAIN)
    (command,) = world.queued()
    pauser.pause(instance, by="ana", reason="a freeze")
    assert world.state(instance) == "paused"
    with pytest.raises(Conflict, match="it is paused"):
        pauser.pause(instance, by="ana")
    world.answer(command)
    assert world.queued() == []
    assert world.run(instance, "b")["held"] == "begin"
    assert world.state(instance) == "paused"
    pauser.resume(instance, by="ana")
    world.work()
    assert world.state(instance) == "succeeded"
    world.check_history(instance)
    with pytest.raises(Conflict, match="not paused"):
        pauser.resume(instance, by="ana")


def test_cancelling_ends_a_pause_also_of_finally(world, pauser):
    canceller = Canceller(reader=world.instances.reader, advancer=world.advancer)
    text = f"tasks:\n  a: {NOOP}}}\nfinally:\n  b: {NOOP}}}\n  c: {{needs: b, {NOOP[1:]}}}\n"
    instance = world.start(text)
    (a,) = world.queued()
    canceller.cancel(instance, by="ana")
    pauser.pause(instance, by="ana")
    world.answer(a)
    assert (world.queued("tasks"), world.state(instance)) == ([], "paused")
    canceller.cancel(instance, by="ana")
    world.work()
    assert world.state(instance) == "cancelled"
    assert [world.run(instance, name, "finally")["state"] for name in "bc"] == ["cancelled", "skipped"]
    world.check_history(instance)


def fail_b(world: World, instance: str) -> None:
    (command,) = world.queued()
    world.answer(command, {"n": 1})
    (command,) = world.queued()
    world.answer(command, error="no route")
    assert world.state(instance) == "failed"


def test_a_failed_instance_goes_on_from_its_failure(world, retrier):
    instance = world.start(CHAIN)
    fail_b(world, instance)
    retrier.retry(instance, by="ana")
    (command,) = world.queued()
    assert (command["path"], command["attempt"], command.get("generation", 1)) == ("b", 2, 1)
    assert world.get(instance).finished_at is None
    world.answer(command)
    world.work()
    assert world.state(instance) == "succeeded"
    assert world.run(instance, "a")["attempt"] == 1
    world.check_history(instance)


def test_chosen_tasks_run_again_with_all_that_waits_for_them(world, retrier):
    instance = world.start(CHAIN)
    world.work()
    with pytest.raises(Conflict, match="name the tasks"):
        retrier.retry(instance, by="ana")
    with pytest.raises(NotFound):
        retrier.retry(instance, by="ana", tasks=["nope"])
    retrier.retry(instance, by="ana", tasks=["b"])
    (command,) = world.queued()
    assert (command["path"], command["attempt"], command["generation"]) == ("b", 2, 2)
    with pytest.raises(Conflict, match="has not ended"):
        retrier.retry(instance, by="ana", tasks=["b"])
    world.answer(command)
    world.work()
    assert world.state(instance) == "succeeded"


def test_it_goes_on_with_the_newest_version_where_that_fits(world, retrier):
    instance = world.start(CHAIN)
    other = world.make_advancer()  # another process, which keeps the instance as it sees it now
    world.tell(instance, AttemptAlive(task="a", attempt=1), advancer=other)
    fail_b(world, instance)
    old = world.get(instance)
    newer = f"{CHAIN}  d: {{needs: b, {NOOP[1:]}}}\n".replace("needs: b, u", "needs: d, u", 1)
    world.load(f"name: {old.workflow}\n{newer}")
    retrier.retry(instance, by="ana", newest=True)
    assert world.get(instance).digest != old.digest
    (command,) = world.queued()
    world.tell(instance, TaskSucceeded(task="b", attempt=command["attempt"]), advancer=other)
    (last,) = world.queued()
    assert last["path"] == "d"  # which only the newer version has
    world.answer(last)
    world.work()
    assert world.state(instance) == "succeeded"


def test_a_version_that_does_not_fit_is_refused_with_the_reasons(world, retrier):
    instance = world.start(CHAIN)
    fail_b(world, instance)
    name = world.get(instance).workflow
    world.load(f"name: {name}\ninputs: {{size: {{type: integer}}}}\ntasks:\n  b: {{uses: wait, with: {{for: 1s}}}}\n")
    with pytest.raises(Conflict, match="does not fit") as refused:
        retrier.retry(instance, by="ana", newest=True)
    found = {(problem.pointer, problem.detail.partition(" in the")[0]) for problem in refused.value.problems}
    assert ("/tasks/a", "it has run and does not exist") in found
    assert ("/tasks/b", "it ran as python and is wait") in found
    assert any(pointer.startswith("/inputs") for pointer, _ in found)
    assert world.state(instance) == "failed"


LOOP = (
    "tasks:\n"
    "  each:\n"
    "    for_each: [0, 1, 2, 3]\n"
    "    max_parallel: 2\n"
    "    tasks:\n"
    f"      make: {NOOP}}}\n"
    f"      check: {{needs: make, {NOOP[1:]}}}\n"
)


def test_items_go_on_as_max_parallel_lets_them_also_those_that_are_named(world, retrier):
    instance = world.start(LOOP)
    while commands := world.queued():
        for command in commands:
            bad = command["path"] in ("each[0]/check", "each[2]/check", "each[3]/check")
            world.answer(command, error="no route" if bad else "")
    world.work()
    assert world.state(instance) == "failed"
    retrier.retry(instance, by="ana", tasks=["each[1]/make", "each[3]/make"])
    ran = []
    while commands := world.queued():
        for command in commands:
            ran.append((command["path"], command["attempt"]))
            world.answer(command)
    assert sorted(ran) == [
        ("each[0]/check", 2),
        ("each[1]/check", 2),
        ("each[1]/make", 2),
        ("each[2]/check", 2),
        ("each[3]/check", 2),
        ("each[3]/make", 2),
    ]
    assert ran.index(("each[0]/check", 2)) > 1, "the two that are named come first"
    assert world.state(instance) == "succeeded"
    world.check_history(instance)


def test_a_loop_that_begins_anew_has_other_items_than_before(world, retrier):
    instance = world.start(
        "tasks:\n"
        f"  plan: {NOOP}, outputs: {{keys: {{type: array}}}}}}\n"
        f"  each: {{needs: plan, for_each: tasks.plan.outputs.keys, key: item, continue_on_error: true, {NOOP[1:]}}}\n"
        "outputs: {all: '${{ tasks.each.?outputs.orValue([]) }}'}\n"
    )

    def run(keys: list[str], bad: str = "") -> list[str]:
        ran = []
        while commands := world.queued():
            for command in commands:
                ran.append(command["path"])
                outputs = {"keys": keys} if command["path"] == "plan" else {"of": command["path"]}
                world.answer(command, outputs, error="no route" if command["path"] in bad.split() else "")
        return ran

    run(["a", "b"], bad="each[a]")
    assert world.get(instance).outputs == {"all": [None, {"of": "each[b]"}]}
    retrier.retry(instance, by="ana", tasks=["plan"])
    run(["c", "d"], bad="each[d]")
    assert world.get(instance).outputs == {"all": [{"of": "each[c]"}, None]}
    with pytest.raises(NotFound):
        retrier.retry(instance, by="ana", tasks=["each[a]"])
    retrier.retry(instance, by="ana", tasks=["each[d]"])
    assert run([]) == ["each[d]"]
    assert world.get(instance).outputs == {"all": [{"of": "each[c]"}, {"of": "each[d]"}]}
    world.check_history(instance)


BEGUN = f"tasks:\n  x: {{for_each: [1, 2, 3], max_parallel: 1, fail_fast: true, {NOOP[1:]}}}\n"


@pytest.mark.parametrize(
    ("newer", "said"),
    [
        (("[1, 2, 3]", "[1]"), "`for_each`"),
        (("[1, 2, 3]", "[3, 2, 1]"), "`for_each`"),
        (("max_parallel", "key: item, max_parallel"), "`key`"),
        (("max_parallel", "as: one, max_parallel"), "`as`"),
    ],
)
def test_items_that_have_begun_are_not_mixed_with_others(world, retrier, newer, said):
    instance = world.start(BEGUN)
    (command,) = world.queued()
    world.answer(command, error="no route")
    assert world.state(instance) == "failed"
    world.load(f"name: {world.get(instance).workflow}\n{BEGUN.replace(*newer)}")
    with pytest.raises(Conflict, match="does not fit") as refused:
        retrier.retry(instance, by="ana", newest=True)
    assert [(problem.pointer, problem.detail) for problem in refused.value.problems] == [
        ("/tasks/x", f"its items have begun, and {said} is another in the new version")
    ]


def test_items_that_have_begun_keep_the_vars_they_read(world, retrier):
    text = "name: w\n" + BEGUN.replace("[1, 2, 3]", "vars.all")
    world.load(text, project=f"{PROJECT}\nvars: {{all: [1, 2], other: 1}}\n")
    instance = world.starter.start("w", {}, by="ana")
    (command,) = world.queued()
    world.answer(command, error="no route")
    world.load(text, project=f"{PROJECT}\nvars: {{all: [2], other: 1}}\n")
    with pytest.raises(Conflict) as refused:
        retrier.retry(instance, by="ana", newest=True)
    assert [problem.detail.partition(", and ")[2] for problem in refused.value.problems] == [
        "`vars.all` is another in the new version"
    ]
    world.load(text, project=f"{PROJECT}\nvars: {{all: [1, 2], other: 2}}\n")
    retrier.retry(instance, by="ana", newest=True)
    world.work()
    assert world.state(instance) == "succeeded"


def test_a_loop_that_stands_elsewhere_in_the_file_goes_on_with_its_items(world, retrier):
    text = BEGUN.replace("[1, 2, 3]", "inputs.all").replace(
        "tasks:", "inputs: {all: {type: array, default: [1, 2]}}\ntasks:"
    )
    instance = world.start(text)
    (command,) = world.queued()
    world.answer(command, error="no route")
    world.load(f"name: {world.get(instance).workflow}\n# moved\n{text}  last: {{needs: x, {NOOP[1:]}}}\n")
    retrier.retry(instance, by="ana", newest=True)
    world.work()
    assert world.state(instance) == "succeeded"
    assert world.run(instance, "last")["attempt"] == 1


def test_items_whose_list_reads_another_task_in_the_newest_version_fail_with_what_is_wrong(world, retrier):
    """The version was taken before such a one was refused, or its list is the same to the letter."""
    text = f"""
tasks:
  plan: {{uses: values, with: {{keys: [1, 2]}}}}
  g: {{needs: plan, tasks: {{SHADOWx: {{NEEDSfor_each: tasks.plan.outputs.keys, max_parallel: 1, fail_fast: true, {NOOP[1:]}}}}}}}
"""
    instance = world.start(text.replace("SHADOW", "").replace("NEEDS", ""))
    (command,) = world.queued()
    world.answer(command, error="no route")
    shadowing = text.replace("SHADOW", "plan: {run: ./plan.sh, outputs: {keys: {type: array}}}, ").replace(
        "NEEDS", "needs: plan, "
    )
    world.load(f"name: {world.get(instance).workflow}\n{shadowing}")
    retrier.retry(instance, by="ana", newest=True)
    assert world.run(instance, "x", "g")["error"]["kind"] == "expression"
    (command,) = world.queued()
    assert command["path"] == "g/plan"
    world.answer(command, outputs={"keys": []})
    assert world.state(instance) == "failed"
