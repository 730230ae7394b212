"""The one door: whatever comes twice, late, out of order or cut off, each instance takes it once and nothing is lost."""

from __future__ import annotations

import gc
import random
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.adapters.databases.outbox import TRIES
from engine.app.batch import Batch
from engine.app.records import Notification
from engine.core.events import AttemptAlive, AttemptLost, TaskFailed, TaskStarted, TaskSucceeded, to_json
from engine.errors import Broken, Invalid, Malformed, Newer, Unavailable
from tests.app.world import NOOP, World
from tests.servers import wait_until

CHAIN = f"tasks:\n  a: {NOOP}}}\n  b: {{needs: a, {NOOP[1:]}}}\n"
FAN = (
    "tasks:\n"
    + "".join(f"  t{number}: {NOOP}}}\n" for number in range(40))
    + f"  last: {{needs: [{', '.join(f't{number}' for number in range(40))}], {NOOP[1:]}}}\n"
)


_DONE = to_json(TaskSucceeded(task="a", attempt=1))


def notification(command, event) -> Notification:
    return Notification(instance=command["instance"], scope="", event=to_json(event))


def succeeded(command, outputs=None) -> Notification:
    return notification(command, TaskSucceeded(task=command["path"], attempt=command["attempt"], outputs=outputs))


def accepted(world: World, instance: str) -> list[tuple[str, str]]:
    rows = world.reader.history(instance, limit=10_000)
    return [(row.event["type"], row.event.get("task", "")) for row in rows if row.accepted]


def test_an_instance_runs_to_its_end_and_leaves_nothing_behind(world):
    instance = world.start(CHAIN)
    assert [command["path"] for command in world.queued()] == ["a"]
    world.tell(instance, TaskSucceeded(task="a", attempt=1, outputs={"x": 1}))
    assert [command["path"] for command in world.queued()] == ["b"]
    assert world.state(instance) == "running"
    world.tell(instance, TaskSucceeded(task="b", attempt=1))
    assert world.state(instance) == "succeeded"
    assert world.get(instance).finished_at is not None
    assert world.signals.wait(instance, 0)
    world.advancer.flush()
    assert world.waiting_in_outbox() == 0
    world.check_history(instance)


def test_what_comes_twice_counts_once(world):
    instance = world.start(CHAIN)
    (command,) = world.queued()
    twice = succeeded(command)
    world.advancer.submit([twice, twice])
    world.advancer.submit([twice])
    assert [command["path"] for command in world.queued()] == ["b"]
    assert accepted(world, instance) == [("ScopeStarted", ""), ("TaskSucceeded", "a")]
    assert len(world.reader.history(instance)) == 4
    world.check_history(instance)


def test_what_comes_late_or_out_of_order_changes_nothing(world):
    instance = world.start(CHAIN)
    world.tell(instance, TaskSucceeded(task="b", attempt=1))  # was never asked for
    world.tell(instance, TaskSucceeded(task="a", attempt=2))  # no such attempt
    world.tell(instance, TaskSucceeded(task="nobody", attempt=1))
    world.tell(instance, TaskSucceeded(task="report", attempt=1), scope="finally")  # no such scope
    world.tell(instance, TaskSucceeded(task="a", attempt=1))
    world.tell(instance, TaskStarted(task="a", attempt=1))
    world.tell(instance, TaskFailed(task="a", attempt=1, error={"kind": "exit", "message": "late"}))
    assert accepted(world, instance) == [("ScopeStarted", ""), ("TaskSucceeded", "a")]
    world.check_history(instance)


def test_an_instance_that_has_ended_takes_nothing_more(world):
    instance = world.start(CHAIN)
    world.work()
    before = world.get(instance)
    world.tell(instance, TaskSucceeded(task="b", attempt=1, outputs={"late": True}))
    assert world.get(instance) == before
    assert world.queued() == []
    world.check_history(instance)


def test_an_event_for_an_instance_that_is_gone_is_nobodys(world):
    instance = world.start(CHAIN)
    commands = world.queued()
    world.advancer.submit([Notification(instance="gone", scope="", event=succeeded(commands[0]).event), *()])
    world.advancer.submit(
        [Notification(instance="gone", scope="x", event=succeeded(commands[0]).event), succeeded(commands[0])]
    )
    assert [command["instance"] for command in world.queued()] == [instance]


def test_a_commit_whose_answer_was_lost_is_done_again_without_harm(world):
    instance = world.start(CHAIN)
    (command,) = world.queued()
    world.faults.answer_lost = True
    with pytest.raises(Unavailable):
        world.advancer.submit([succeeded(command)])
    world.advancer.submit([succeeded(command)])
    assert accepted(world, instance) == [("ScopeStarted", ""), ("TaskSucceeded", "a")]
    assert world.queued() == []  # the first commit's command is in the outbox, and the relay follows
    world.move(1_000)
    world.relay.run_once()
    assert [command["path"] for command in world.queued()] == ["b"]


def test_a_broker_that_is_down_delays_and_loses_nothing(world):
    world.faults.broker_down = True
    instance = world.start(CHAIN)
    assert world.queued() == []
    world.faults.broker_down = False
    world.move(1_000)
    assert world.relay.run_once() == 1
    (command,) = world.queued()
    assert command["path"] == "a"
    assert world.relay.run_once() == 0
    world.answer(command)
    assert world.state(instance) == "running"


def test_a_process_killed_between_commit_and_publish_is_followed_by_the_relay(world):
    instance = world.start(CHAIN)
    (command,) = world.queued()
    world.advancer.flush()
    advanced = world.advancer.advance([succeeded(command)])  # and dies
    assert [message.body["path"] for message in advanced.messages] == ["b"]
    assert world.relay.run_once() == 0, "the process that committed has a second to publish"
    world.move(1_000)
    world.relay.run_once()
    assert [command["path"] for command in world.queued()] == ["b"]
    world.work()
    assert world.state(instance) == "running"  # b was taken out of the queue above and not answered


def test_published_rows_are_deleted_whatever_goes_wrong_meanwhile(world, monkeypatch):
    """Left there, they would be sent once more."""
    world.start(CHAIN)
    (command,) = world.queued()
    world.faults.undeleted = 2

    def fails(*_given, **_too):
        raise RuntimeError("nobody foresaw this")

    with monkeypatch.context() as patch:
        patch.setattr(world.advancer, "advance", fails)
        with pytest.raises(RuntimeError):
            world.advancer.submit([succeeded(command)])
    wait_until(lambda: world.waiting_in_outbox() == 0, what="the rows' deletion")
    assert world.faults.undeleted == 0


def test_items_are_not_those_of_a_result_that_was_never_stored(world):
    """The list is worked out once; a transaction that failed may have done so from an attempt that was lost after it."""
    instance = world.start(
        f"tasks:\n  a: {NOOP}, outputs: {{xs: {{type: array, items: {{type: string}}}}}}}}\n"
        f"  e: {{needs: a, for_each: tasks.a.outputs.xs, as: x, {NOOP[1:]}}}\n"
    )
    (command,) = world.queued()
    world.faults.unwritten = True
    with pytest.raises(Unavailable):
        world.advancer.submit([succeeded(command, {"xs": ["old", "older", "oldest"]})])
    world.tell(instance, AttemptLost(task="a", attempt=1))
    (again,) = world.queued()
    world.advancer.submit([succeeded(again, {"xs": ["new"]})])
    assert [one["path"] for one in world.queued()] == ["e[0]"]
    world.check_history(instance)


def test_published_rows_ride_with_the_next_batch(world):
    world.start(CHAIN)
    (command,) = world.queued()
    assert world.waiting_in_outbox() == 1
    world.advancer.submit([succeeded(command)])
    assert world.waiting_in_outbox() == 1  # of b: the row of a went with that transaction
    world.advancer.flush()
    assert world.waiting_in_outbox() == 0


def test_threads_and_processes_on_one_instance_lose_nothing(world):
    """Every outcome is sent by two processes at once: each counts once, and the join starts once."""
    instance = world.start(FAN)
    commands = world.queued()
    assert len(commands) == 40
    processes = [world.make_advancer() for _ in range(4)]
    work = [(process, command) for command in commands for process in random.sample(processes, 2)]
    random.shuffle(work)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: one[0].submit([succeeded(one[1])]), work))
    assert [command["path"] for command in world.queued()] == ["last"]
    assert sorted(accepted(world, instance)) == sorted(
        [("ScopeStarted", ""), *(("TaskSucceeded", f"t{number}") for number in range(40))]
    )
    world.check_history(instance)
    for process in processes:
        process.flush()


def test_batches_that_share_instances_do_not_deadlock(world):
    world.load(f"name: w\n{FAN}")
    instances = [world.starter.start("w", {}, by="ana") for _ in range(6)]
    events = [succeeded(command) for command in world.queued()]
    random.shuffle(events)
    batches = [events[at : at + 16] for at in range(0, len(events), 16)]
    processes = [world.make_advancer() for _ in range(3)]

    def take(number: int) -> None:
        processes[number % 3].submit(batches[number])

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(take, range(len(batches))))
    assert sorted(command["instance"] for command in world.queued()) == sorted(instances)
    for instance in instances:
        world.check_history(instance)
    for process in processes:
        process.flush()


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ({"type": "TaskSucceeded", "task": "a", "attempt": 1, "outputs": {"x": "\0"}}, Invalid),
        ({"type": "TaskSucceeded", "task": "a", "attempt": 1, "outputs": {"x": "\ud800"}}, Invalid),
        ({"type": "TaskSucceeded", "task": "a", "attempt": 1, "outputs": {"x": float("nan")}}, Invalid),
        ({"type": "TaskSucceeded", "task": "a", "attempt": 1, "outputs": {"x": 2**70}}, Invalid),
        ({"type": "TaskSucceeded", "task": "a"}, Malformed),
        ({"type": "TaskSucceeded", "task": "a", "attempt": "1"}, Malformed),
        ({"type": "TaskSucceeded", "task": ["a"], "attempt": 1}, Malformed),
    ],
)
def test_an_event_that_cannot_be_kept_changes_nothing_and_can_be_parked(world, event, error):
    instance = world.start(CHAIN)
    poison = Notification(instance=instance, scope="", event=event)
    with pytest.raises(error) as raised:
        world.advancer.submit([poison])
    assert accepted(world, instance) == [("ScopeStarted", "")]
    world.advancer.reject(poison, raised.value)
    assert world.parked() == 1
    world.move(60_000)
    world.relay.run_once()
    assert world.parked() == 1, "what is parked is left to people"


def test_an_event_of_a_newer_version_waits_for_a_newer_process_and_is_parked_if_none_comes(world):
    event = {"type": "TaskUndone", "task": "a"}
    newer = Notification(instance=world.start(CHAIN), scope="", event=event)
    for attempts in range(TRIES):
        with pytest.raises(Newer) as raised:
            world.advancer.submit([newer])
        again = world.advancer.reject(newer, raised.value, attempts)
        assert (again, world.parked()) == ((True, 0) if attempts < TRIES - 1 else (False, 1))
        world.move(60_000 * 2**attempts)
        world.relay.run_once()
        assert [body["event"] for body in world.queued("notifications")] == [event] * again


def test_an_instance_is_remembered_only_once_it_is_stored(world):
    """The first start's answer is lost, the second is refused: what the process believes is what the database says."""
    world.advancer.go_on()
    world.load(f"name: w\n{CHAIN}")
    version = world.definitions.active("w")
    prepared = world.starter.prepare(version, inputs={}, trigger={}, by="ana", start_key="once")
    world.faults.answer_lost = True
    with pytest.raises(Unavailable):
        world.starter.commit([prepared])
    assert world.advancer._runs.get(prepared.id) is None


def test_one_definition_that_cannot_be_read_is_the_trouble_of_its_instances_alone(world):
    bad = world.start(CHAIN)
    (command,) = world.queued()
    world.sql("UPDATE definitions SET document = ?", '{"name": "w", "made_by": "a newer engine"}')
    good = world.start(f"description: another\n{CHAIN}")
    (other,) = world.queued()
    advancer = world.make_advancer()
    with pytest.raises(Malformed):
        advancer.submit([succeeded(command), succeeded(other)])
    with pytest.raises(Malformed):
        advancer.submit([succeeded(command)])
    advancer.submit([succeeded(other)])
    assert [command["instance"] for command in world.queued()] == [good]
    assert accepted(world, bad) == [("ScopeStarted", "")]
    advancer.flush()


def test_a_definition_that_is_missing_is_said_to_be(world):
    world.start(CHAIN)
    (command,) = world.queued()
    world.sql("DELETE FROM definitions")
    with pytest.raises(Broken, match="definition"):
        world.make_advancer().submit([succeeded(command)])


def test_a_database_restored_from_before_the_definition_gets_it_again(world):
    """The process remembers that it stored the definition; without it an instance could never go on."""
    world.start(CHAIN)
    world.sql("DELETE FROM definitions")
    instance = world.starter.start("w", {}, by="ana")
    world.queued()
    world.make_advancer().advance([Notification(instance=instance, scope="", event=_DONE)])
    assert world.run(instance, "a")["state"] == "succeeded"


def test_time_never_runs_backwards_in_an_instance(world):
    instance = world.start(CHAIN)
    (command,) = world.queued()
    started = world.scope(instance)["at"]
    world.move(-3_600_000)
    world.advancer.submit([notification(command, AttemptAlive(task="a", attempt=1)), succeeded(command)])
    times = [row.at for row in world.reader.history(instance)]
    assert times == sorted(times)
    assert times[-1] >= started
    world.check_history(instance)


def test_what_is_remembered_of_instances_is_bounded(world):
    """A push can be 25 MB: remembering some thousand of them would be the end of the process."""
    world.start(CHAIN)
    assert not world.advancer._runs._runs, "nothing for one whose events another process takes"
    world.advancer.go_on()
    world.load(f"name: w\n{CHAIN}")
    version = world.definitions.active("w")
    for number in range(12):
        body = f"{number % 10}" * 6_000_000
        world.starter.commit([world.starter.prepare(version, inputs={}, trigger={"body": body}, by="ana")])
    assert 1 <= len(world.advancer._runs._runs) <= 5


def test_outputs_made_here_are_as_bounded_as_those_of_workers(world):
    """Each expression may give 64 KiB; all of them together are kept in the state."""
    many = ", ".join(f"k{number}: '${{{{ inputs.text }}}}'" for number in range(30))
    large = world.start(
        f"inputs: {{text: {{}}}}\ntasks:\n  v: {{uses: values, with: {{{many}}}}}\n", inputs={"text": "x" * 60_000}
    )
    assert (world.state(large), world.run(large, "v")["error"]["kind"]) == ("failed", "output_too_large")
    ending = world.start(
        f"inputs: {{text: {{}}}}\ntasks:\n  v: {{uses: values, with: {{a: 1}}}}\noutputs: {{{many}}}\n",
        inputs={"text": "x" * 60_000},
    )
    assert (world.state(ending), world.get(ending).error["error"]["kind"]) == ("failed", "output_too_large")


def test_a_batch_leaves_nothing_that_has_to_be_searched_for(world, monkeypatch):
    """All that it read and decided would wait for Python's search for garbage, which cost more than to let go of it."""
    batches = []

    class Seen(Batch):
        def __init__(self, *given):
            super().__init__(*given)
            batches.append(weakref.ref(self))

    monkeypatch.setattr("engine.app.advance.Batch", Seen)
    gc.disable()
    try:
        world.start(CHAIN)
        (command,) = world.queued()
        world.advancer.submit([succeeded(command)])
        assert [batch() for batch in batches] == [None, None]
    finally:
        gc.enable()
