"""Concurrency, rate limits and cache through the one door, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.adapters.broker.wire import unseal
from engine.app.advance import Advancer
from engine.app.records import Notification
from engine.core.events import AttemptLost, CancelRequested, TaskCancelled, TaskStarted, TaskSucceeded, to_json
from engine.core.gates import ASK_AGAIN
from engine.core.keys import split_path
from engine.errors import Conflict, Unavailable
from tests.app.world import World

DEPLOY = """
tasks:
  a: {run: ./deploy, concurrency: {group: deploy%s}}
"""
WHOLE = """
concurrency: {group: release%s}
tasks:
  a: {run: ./release}
"""


def hear(world: World) -> None:
    """What was put off to a transaction of its own is taken."""
    while world.notice():
        pass


def asked(world: World) -> list[str]:
    return [command["instance"] for command in world.queued() if command["type"] == "RunTask"]


def done(world: World) -> list[str]:
    """The instances of the tasks that a worker does now."""
    commands = world.queued()
    for command in commands:
        world.answer(command)
    return [command["instance"] for command in commands]


@pytest.mark.parametrize("text", [DEPLOY, WHOLE])
def test_one_after_the_other_in_their_order(world, text):
    started = [world.start(text % "") for _ in range(3)]
    for instance in started:
        (command,) = world.queued()
        assert command["instance"] == instance
        world.answer(command)
        hear(world)
    assert [world.state(instance) for instance in started] == ["succeeded"] * 3
    assert world.sql("SELECT count(*) FROM slots") == [(0,)]
    for instance in started:
        world.check_history(instance)


def test_a_queued_instance_says_so(world):
    first, second = (world.start(WHOLE % "") for _ in range(2))
    assert (world.state(first), world.state(second)) == ("running", "queued")
    world.tell(second, CancelRequested(by="ana"))
    assert world.state(second) == "cancelled"
    assert world.sql("SELECT count(*) FROM slots") == [(1,)]


def test_reject_fails_and_says_why(world):
    world.start(WHOLE % ", when_full: reject")
    second = world.start(WHOLE % ", when_full: reject")
    assert world.state(second) == "failed"
    assert world.get(second).error["error"]["kind"] == "concurrency"
    third = world.start(DEPLOY % ", when_full: reject")
    fourth = world.start(DEPLOY % ", when_full: reject")
    assert (world.state(third), world.state(fourth)) == ("running", "failed")


@pytest.mark.parametrize("text", [DEPLOY, WHOLE])
def test_a_newer_one_takes_the_place_of_all_older_ones(world, text):
    started = [world.start(text % ", when_full: cancel_running") for _ in range(3)]
    assert asked(world) == started[:1]
    hear(world)
    assert world.called_off() == [f"{started[0]}/a/1"]
    assert (
        world.state(started[1]) == "cancelled" if text == WHOLE else world.run(started[1], "a")["state"] == "cancelled"
    )
    assert asked(world) == []
    world.move(15_000)
    world.wait_for_timers()
    hear(world)
    assert world.state(started[0]) in ("cancelled", "failed")
    assert asked(world) == [started[2]]
    if text == WHOLE:
        assert world.get(started[0]).error["cancelled"]["by"] == "concurrency"
    else:
        assert world.run(started[0], "a")["by"] == "concurrency"


@pytest.mark.parametrize("text", [DEPLOY, WHOLE])
def test_a_doubled_word_that_something_newer_came_cancels_nothing_that_was_retried_since(world, text):
    text = text % ", when_full: cancel_running"
    first, second = world.start(text), world.start(text)
    begun, doubled = world.queued(), world.queued("notifications")
    world.advancer.submit([Notification(**word) for word in doubled])
    scope, task = split_path(begun[0]["path"])
    world.tell(first, TaskCancelled(task=task, attempt=1), scope)
    hear(world)
    for command in world.queued():
        world.answer(command)
    retrier = world.retrier()
    retrier.retry(first, by="ana")
    assert asked(world) == [first]
    world.advancer.submit([Notification(**word) for word in doubled])
    assert world.called_off() == [f"{first}/a/1"]
    assert [world.state(instance) for instance in (first, second)] == ["running", "succeeded"]


def test_an_attempt_that_keeps_the_slot_of_one_that_was_to_go_has_to_go_too(world):
    """It began before the word reached the one before."""
    text = DEPLOY % ", when_full: cancel_running"
    first, second = world.start(text), world.start(text)
    assert asked(world) == [first]
    world.tell(first, AttemptLost(task="a", attempt=1))
    assert asked(world) == [first]
    hear(world)
    assert world.called_off() == [f"{first}/a/2"]
    world.tell(first, TaskCancelled(task="a", attempt=2))
    hear(world)
    assert asked(world) == [second]
    world.check_history(first)


@pytest.mark.parametrize("error", ["", "exit"])
def test_who_retries_what_its_full_group_rejects_is_told_so(world, error):
    text = WHOLE % ", when_full: reject"
    first = world.start(text)
    world.answer(world.queued()[0], error=error)
    ended = world.get(first)
    second = world.start(text)
    assert asked(world) == [second]
    retrier = world.retrier()
    tasks = [] if error else ["a"]
    with pytest.raises(Conflict, match="it got no slot of its concurrency group"):
        retrier.retry(first, by="ana", tasks=tasks)
    stayed = world.get(first)
    assert (stayed.state, stayed.finished_at) == (ended.state, ended.finished_at)
    world.tell(second, CancelRequested(by="ana"))
    world.tell(second, TaskCancelled(task="a", attempt=1))
    retrier.retry(first, by="ana", tasks=tasks)
    assert asked(world) == [first]
    world.check_history(first)


def test_who_is_rejected_on_the_newest_version_keeps_the_version_he_had(world):
    text = WHOLE % ", when_full: reject"
    first = world.start(text)
    world.answer(world.queued()[0], error="exit")
    world.start(f"{text}  b: {{needs: a, run: ./b}}\n")
    before = world.get(first)
    retrier = world.retrier()
    with pytest.raises(Conflict, match="it got no slot of its concurrency group"):
        retrier.retry(first, by="ana", newest=True)
    assert world.get(first) == before
    world.check_history(first)


def test_who_retries_what_waits_for_its_group_is_told_of_nothing(world):
    first = world.start(WHOLE % "")
    world.answer(world.queued()[0], error="exit")
    second = world.start(WHOLE % "")
    assert asked(world) == [second]
    retrier = world.retrier()
    retrier.retry(first, by="ana")
    assert world.state(first) == "queued"


def test_workflows_and_tasks_share_the_groups_of_the_namespace(world):
    whole = world.start("concurrency: {group: g}\ntasks:\n  a: {run: ./a, concurrency: {group: g}}\n")
    task = world.start("tasks:\n  a: {run: ./b, concurrency: {group: g}}\n")
    (command,) = world.queued()
    assert command["instance"] == whole, "what stands within the group is let in"
    world.answer(command)
    hear(world)
    assert asked(world) == [task]


def test_items_of_one_instance_take_turns(world):
    instance = world.start("tasks:\n  a: {run: ./a, for_each: [1, 2, 3, 4, 5], concurrency: {group: g, limit: 2}}\n")
    seen = []
    for left in (2, 2, 1):
        commands = world.queued()
        assert len(commands) == left
        for command in commands:
            seen.append(command["path"])
            world.answer(command)
        hear(world)
    assert seen == [f"a[{n}]" for n in range(5)]
    assert world.state(instance) == "succeeded"
    world.check_history(instance)


def test_a_grant_whose_word_was_lost_is_found_by_asking_again(world):
    first, second = (world.start(DEPLOY % "") for _ in range(2))
    world.answer(world.queued()[0])
    assert world.queued("notifications"), "which are lost"
    world.move(ASK_AGAIN)
    world.wait_for_timers()
    assert asked(world) == [second]
    assert world.state(first) == "succeeded"


def test_an_instance_that_has_gone_without_giving_back_blocks_nobody_for_ever(world):
    first, second = (world.start(WHOLE % "") for _ in range(2))
    world.queued()
    world.sql("UPDATE instances SET state = 'failed', finished_at = 5 WHERE id = ?", first)
    world.move(ASK_AGAIN)
    world.wait_for_timers()
    assert asked(world) == [second]


def test_a_worker_that_dies_keeps_the_slot_for_the_next_attempt(world):
    first, _second = (world.start(DEPLOY % "") for _ in range(2))
    assert asked(world) == [first]
    world.tell(first, TaskStarted(task="a", attempt=1))
    world.move(20_000)
    world.wait_for_timers()
    world.move(5_000)
    world.wait_for_timers()
    (again,) = world.queued()
    assert (again["instance"], again["attempt"]) == (first, 2)


def test_a_rate_limit_spreads_the_starts(world):
    text = "tasks:\n  a: {run: ./call, rate_limit: {group: api, limit: 2, per: 1m}}\n"
    started = [world.start(text) for _ in range(5)]
    assert done(world) == started[:2]
    assert world.state(started[2]) == "waiting"
    for expected in (started[2:4], started[4:]):
        world.move(61_000)
        world.wait_for_timers()
        assert sorted(done(world)) == sorted(expected)
    world.check_history(started[4])


MADE = """
tasks:
  create: {run: ./create, cache: {key: one}, outputs: {id: {type: string}}, compensate: {run: ./destroy}}
  check: {needs: create, run: ./check}
"""
MADE_INSIDE = """
tasks:
  all:
    compensate: {run: ./destroy}
    tasks:
      create: {run: ./create, cache: {key: one}, outputs: {id: {type: string}}}
  check: {needs: all, run: ./check}
"""


@pytest.mark.parametrize("text", [MADE, MADE_INSIDE], ids=["itself", "with the group around it"])
def test_what_was_undone_is_taken_by_nobody(world, text):
    """Neither by its own retry nor by another instance: it is gone. What ended well in between is kept as ever."""

    def work(*, ends_well: bool) -> list[str]:
        asked = []
        while commands := world.queued():
            for command in commands:
                asked.append(command["path"])
                fails = "" if ends_well or command["path"] != "check" else "exit"
                world.answer(command, {"id": "server-7"} if command["path"].endswith("create") else None, error=fails)
        return asked

    create = "create" if text == MADE else "all/create"
    undo = "create/compensate" if text == MADE else "all/compensate"
    first = world.start(text)
    assert work(ends_well=False) == [create, "check", undo]
    second = world.start(text)
    assert work(ends_well=True) == [create, "check"]
    world.retrier().retry(first, by="ana")
    assert work(ends_well=True)[0] == create
    third = world.start(text)
    assert work(ends_well=True) == ["check"]
    assert [world.state(one) for one in (first, second, third)] == ["succeeded"] * 3
    for one in (first, second, third):
        world.check_history(one)


def test_an_earlier_result_is_taken_while_it_is_fresh(world):
    text = "inputs:\n  n: {type: integer}\ntasks:\n  a: {run: ./sum, cache: {key: 'n=${{ inputs.n }}', ttl: 1h}, outputs: {sum: {type: integer}}}\n"
    first = world.start(text, inputs={"n": 1})
    world.answer(world.queued()[0], {"sum": 5})
    again = world.start(text, inputs={"n": 1})
    assert world.state(again) == "succeeded"
    assert world.run(again, "a")["cached"] is True
    assert world.run(again, "a")["outputs"] == world.run(first, "a")["outputs"] == {"sum": 5}
    other = world.start(text, inputs={"n": 2})
    assert asked(world) == [other]
    world.move(3_600_000)
    assert asked(world) == []
    late = world.start(text, inputs={"n": 1})
    assert asked(world) == [late]
    world.check_history(again)


def test_gates_cost_nothing_where_there_are_none(world):
    """No statement, and no look at what holds the gates."""
    from engine.app import gatekeeper

    def fail(*_: object) -> None:
        raise AssertionError("somebody went to a gate")

    kept, gatekeeper.Gatekeeper._answer = gatekeeper.Gatekeeper._answer, fail  # type: ignore[method-assign,assignment]
    try:
        world.start("tasks:\n  a: {run: ./a}\n")
        world.work()
    finally:
        gatekeeper.Gatekeeper._answer = kept  # type: ignore[method-assign]


def test_batches_of_many_groups_at_once_come_to_an_end(world):
    """Each instance goes through all groups, half of them in the other order; whoever is locked out is tried again."""
    chain = [f"g{n}" for n in range(4)]
    started = []
    for groups in (chain, chain[::-1]):
        tasks = "".join(
            f"  t{n}: {{run: ./x, {f'needs: t{n - 1}, ' if n else ''}concurrency: {{group: {group}, limit: 2}}}}\n"
            for n, group in enumerate(groups)
        )
        started += [world.start(f"tasks:\n{tasks}") for _ in range(8)]
    advancers = [world.make_advancer() for _ in range(4)]

    def work(advancer: Advancer) -> int:
        for _ in range(10_000):
            fetched = world.transport.fetch("tasks", 4, 0)
            heard = world.transport.fetch("notifications", 4, 0)
            if not fetched and not heard and not world.sql("SELECT 1 FROM slots"):
                return 0
            events = [Notification(**unseal(message.data).args[0]) for message in heard]
            for command in (unseal(message.data).args[0] for message in fetched):
                event = TaskSucceeded(task=command["path"], attempt=command["attempt"])
                events.append(Notification(instance=command["instance"], scope="", event=to_json(event)))
            for _ in range(20):
                try:
                    advancer.submit(events)
                    break
                except Unavailable:
                    continue
            else:
                raise AssertionError("locked out for ever")
        raise AssertionError("it does not end")

    with ThreadPoolExecutor(len(advancers)) as pool:
        assert list(pool.map(work, advancers)) == [0] * len(advancers)
    assert {world.state(instance) for instance in started} == {"succeeded"}
    assert world.sql("SELECT count(*) FROM slot_groups") == [(0,)]
    for instance in started[:2]:
        world.check_history(instance)
