"""Events are taken in batches, committed before they are acknowledged, and none holds up another."""

from __future__ import annotations

import pytest

from engine.app.advance import Advanced
from engine.app.records import Message
from engine.errors import Broken, Invalid, Malformed, Newer, Unavailable
from engine.workers import batcher
from tests.servers import wait_until
from tests.workers.doubles import Reader, RecordingAdvancer, notification, run_task


def all_settled(broker) -> bool:
    return not broker.dramatiq.queues["notifications"].unsettled()


def failing(instance: str, error: Exception, *, times: int = 1_000):
    """An answer that raises for one instance."""
    left = [times]

    def answer(one):
        if one.instance == instance and left[0]:
            left[0] -= 1
            raise error
        return Advanced()

    return answer


def test_every_event_is_taken_once_and_in_batches(broker, notification_worker, advancer):
    advancer.gate.clear()
    broker.publisher.publish([notification(f"i{n}") for n in range(600)])
    notification_worker(broker)
    wait_until(lambda: len(broker.dramatiq.queues["notifications"].unsettled()) == 512, what="a full window")
    advancer.gate.set()
    wait_until(lambda: len(advancer.taken) == 600 and all_settled(broker), what="all events")
    assert sorted(advancer.taken) == sorted(f"i{n}" for n in range(600))
    assert 1 < max(map(len, advancer.batches)) <= 256


def test_nothing_is_acknowledged_before_it_is_committed(broker, notification_worker, advancer):
    advancer.gate.clear()
    broker.publisher.publish([notification("a")])
    notification_worker(broker)
    wait_until(lambda: not all_settled(broker), what="the fetch")
    wait_until(lambda: broker.dramatiq.queues["notifications"].window == 512)
    assert not all_settled(broker)
    advancer.gate.set()
    wait_until(lambda: all_settled(broker), what="the acknowledgement")


def test_commands_are_published_and_their_rows_go_with_the_next_batch(broker, notification_worker):
    command = run_task("a")
    row = Message(queue=command.queue, body=command.body, id="row")
    advancer = RecordingAdvancer(lambda one: Advanced(messages=(row,)) if one.instance == "a" else Advanced())
    commands = Reader(broker, "tasks")
    notification_worker(broker, advancer=advancer)
    broker.publisher.publish([notification("a")])
    commands.wait_for(1)
    wait_until(lambda: advancer.deleted == ["row"], what="the row's deletion when idle")
    broker.publisher.publish([notification("a"), notification("a")])
    commands.wait_for(3)
    wait_until(lambda: advancer.deleted.count("row") + advancer.published.count("row") == 3, what="the other rows")


def test_waiters_hear_of_finished_instances(broker, notification_worker):
    broker.signals.wait("a", 0.2)  # over Redis, listening begins
    notification_worker(broker, advancer=RecordingAdvancer(lambda one: Advanced(finished=(one.instance,))))
    broker.publisher.publish([notification("a")])
    assert broker.signals.wait("a", 5)


@pytest.mark.parametrize("error", [Malformed("unknown event"), Broken("no definition")])
def test_a_bad_event_is_parked_and_holds_up_nobody(broker, notification_worker, error):
    advancer = RecordingAdvancer(failing("bad", error))
    broker.publisher.publish([notification("a"), notification("bad"), notification("b")])
    notification_worker(broker, advancer=advancer)
    wait_until(lambda: advancer.rejected, what="the rejection")
    wait_until(lambda: all_settled(broker) and len(advancer.taken) == 2, what="the others")
    assert advancer.rejected == [("bad", str(error))]
    assert sorted(advancer.taken) == ["a", "b"]


@pytest.mark.parametrize("outcome", ["TaskSucceeded", "TaskFailed", "TaskCancelled"])
def test_an_outcome_that_cannot_be_taken_becomes_a_failure_that_can(broker, notification_worker, outcome):
    """Or its instance would wait for ever, and the same attempt would be carried out again and again."""
    taken = []

    def answer(one):
        if one.event.get("error", {}).get("kind") != "internal":
            raise Invalid("the value cannot be stored: \0")
        taken.append(one.event)
        return Advanced()

    advancer = RecordingAdvancer(answer)
    poison = notification("a", type=outcome, task="build", attempt=3, error={"kind": "exit", "message": "\ud7ff"})
    broker.publisher.publish([poison])
    notification_worker(broker, advancer=advancer)
    wait_until(lambda: taken and all_settled(broker), what="the failure")
    assert [(event["type"], event["task"], event["attempt"]) for event in taken] == [("TaskFailed", "build", 3)]
    assert len(advancer.rejected) == 1


def test_a_failure_that_cannot_be_taken_either_is_the_end_of_it(broker, notification_worker):
    advancer = RecordingAdvancer(failing("bad", Malformed("a definition of a newer engine")))
    broker.publisher.publish([notification("bad", type="TaskSucceeded", task="build", attempt=1)])
    notification_worker(broker, advancer=advancer)
    wait_until(lambda: len(advancer.rejected) == 2 and all_settled(broker), what="both rejections")


@pytest.mark.parametrize(("attempts", "failures"), [(0, 0), (4, 1)])
def test_an_outcome_that_a_newer_process_can_take_waits_for_one(broker, notification_worker, attempts, failures):
    """Only after the last try its instance hears that the attempt failed."""
    taken = []

    def answer(one):
        if one.instance == "new" and one.event["type"] == "TaskSucceeded":
            raise Newer("a definition of a newer engine")
        taken.append((one.instance, one.event["type"]))
        return Advanced()

    body = notification("new", type="TaskSucceeded", task="build", attempt=1).body
    advancer = RecordingAdvancer(answer)
    broker.publisher.publish([Message(queue="notifications", body=body, attempts=attempts), notification("a")])
    notification_worker(broker, advancer=advancer)
    wait_until(lambda: len(taken) == 1 + failures and all_settled(broker), what="all that can be taken")
    assert sorted(taken) == [("a", "E"), ("new", "TaskFailed")][: 1 + failures]
    assert advancer.rejected == [("new", "a definition of a newer engine")]


def test_nobody_waits_for_an_instance_that_somebody_else_is_at_work_on(broker, notification_worker, monkeypatch):
    monkeypatch.setattr(batcher, "HELD_AT_MOST", 1_000)
    advancer = RecordingAdvancer()
    advancer.held = {"held"}
    broker.publisher.publish([notification("held"), notification("a")])
    notification_worker(broker, advancer=advancer)
    wait_until(lambda: advancer.taken == ["a"], what="the one that is free")
    broker.publisher.publish([notification("b")])
    wait_until(lambda: advancer.taken == ["a", "b"], what="what came later")
    assert len(broker.dramatiq.queues["notifications"].unsettled()) >= 1
    advancer.held = set()
    wait_until(lambda: advancer.taken == ["a", "b", "held"] and all_settled(broker), what="the one that was put back")


def test_an_instance_that_is_held_for_too_long_is_waited_for(broker, notification_worker, monkeypatch):
    monkeypatch.setattr(batcher, "HELD_AT_MOST", 0.05)
    advancer = RecordingAdvancer()
    advancer.held = {"held"}
    broker.publisher.publish([notification("held")])
    notification_worker(broker, advancer=advancer)
    wait_until(lambda: advancer.taken == ["held"] and all_settled(broker), what="its turn")


def test_stopping_waits_for_what_somebody_else_is_at_work_on(broker, notification_worker, monkeypatch):
    monkeypatch.setattr(batcher, "HELD_AT_MOST", 1_000)
    advancer = RecordingAdvancer()
    advancer.held = {"held"}
    broker.publisher.publish([notification("held")])
    worker = notification_worker(broker, advancer=advancer)
    wait_until(lambda: [] in advancer.batches, what="a try")
    worker.stop(10)
    assert advancer.taken == ["held"]


def test_an_unforeseen_error_is_tried_again(broker, notification_worker):
    advancer = RecordingAdvancer(failing("odd", KeyError("gone"), times=2))
    broker.publisher.publish([notification("odd")])
    notification_worker(broker, advancer=advancer)
    wait_until(lambda: advancer.taken == ["odd"] and all_settled(broker), what="the third try")
    assert advancer.rejected == []


def test_an_unforeseen_error_that_stays_is_parked(broker, notification_worker):
    advancer = RecordingAdvancer(failing("odd", KeyError("gone")))
    broker.publisher.publish([notification("odd"), notification("a")])
    notification_worker(broker, advancer=advancer)
    wait_until(lambda: advancer.rejected == [("odd", "'gone'")] and all_settled(broker), what="the rejection")
    assert advancer.taken == ["a"]


def test_a_batch_waits_for_an_unavailable_database(broker, notification_worker):
    advancer = RecordingAdvancer(failing("a", Unavailable("PostgreSQL"), times=3))
    broker.publisher.publish([notification("a"), notification("b")])
    notification_worker(broker, advancer=advancer)
    wait_until(lambda: sorted(advancer.taken) == ["a", "b"] and all_settled(broker), what="the recovery")
    assert advancer.rejected == []


def test_what_is_no_notification_is_dropped(broker, notification_worker, advancer):
    whole = {"instance": "x", "scope": "", "event": {"type": "TaskStarted"}}
    odd = [whole | {name: [1]} for name in whole] + [whole | {"event": {"type": ["TaskStarted"]}}]
    bodies = [{"instance": "x"}, ["nothing"], None, *odd]
    broker.publisher.publish([*(Message(queue="notifications", body=b) for b in bodies), notification("a")])
    notification_worker(broker)
    wait_until(lambda: advancer.taken == ["a"] and all_settled(broker), what="the good one")


def test_stopping_commits_what_it_has(broker, notification_worker, advancer):
    advancer.gate.clear()
    worker = notification_worker(broker)
    broker.publisher.publish([notification(f"i{n}") for n in range(100)])
    wait_until(lambda: len(broker.dramatiq.queues["notifications"].unsettled()) == 100, what="the fetch")
    advancer.gate.set()
    worker.stop(10)
    assert all_settled(broker)
    consumer = broker.dramatiq.consume("notifications", timeout=50)
    broker.dramatiq.queues["notifications"]._closed = False
    left = []
    while (message := next(consumer)) is not None:
        left.append(message.body["instance"])
    assert sorted(advancer.taken + left) == sorted(f"i{n}" for n in range(100))
    assert len(advancer.taken) > 0


@pytest.mark.redis
def test_stopping_while_the_database_is_down_loses_nothing(redis_url, open_broker, notification_worker):
    broker = open_broker(redis_url)
    down = RecordingAdvancer(failing("a", Unavailable("PostgreSQL")))
    worker = notification_worker(broker, advancer=down)
    broker.publisher.publish([notification("a")])
    wait_until(lambda: not all_settled(broker), what="the fetch")
    worker.stop(1)
    broker.close()
    up = RecordingAdvancer()
    notification_worker(open_broker(redis_url), advancer=up)
    wait_until(lambda: up.taken == ["a"], what="the event at another worker")


@pytest.mark.redis
def test_commands_of_a_committed_batch_survive_an_outage(redis_url, redis_server, open_broker, notification_worker):
    advancer = RecordingAdvancer(lambda one: Advanced(messages=(run_task(one.instance),)))
    advancer.gate.clear()
    broker = open_broker(redis_url)
    notification_worker(broker, advancer=advancer)
    broker.publisher.publish([notification("a")])
    wait_until(lambda: not all_settled(broker), what="the fetch")
    redis_server.stop()
    advancer.gate.set()
    wait_until(lambda: advancer.taken == ["a"], what="the commit")
    redis_server.start()
    assert Reader(open_broker(redis_url), "tasks").wait_for(1)[0]["instance"] == "a"
