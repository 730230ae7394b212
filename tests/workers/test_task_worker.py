"""Commands are carried out once, outcomes arrive, leases go; stopping and failing lose nothing."""

from __future__ import annotations

import pytest

from engine.app.records import Message
from engine.core.keys import lease_key
from engine.workers.failure import failure_of
from tests.servers import wait_until
from tests.workers.doubles import Reader, ScriptedPerformer, run_task


def test_every_command_gives_one_outcome_and_leaves_nothing_behind(broker, task_worker, performer):
    outcomes = Reader(broker, "notifications")
    task_worker(broker)
    names = [f"i{n}" for n in range(300)]
    broker.publisher.publish([run_task(name) for name in names])
    outcomes.wait_for(300)
    assert sorted(outcomes.events()) == sorted((name, "TaskSucceeded") for name in names)
    assert sorted(performer.started) == sorted(names)
    wait_until(lambda: not broker.dramatiq.queues["tasks"].unsettled(), what="the acknowledgements")
    leases = [lease_key(name, "build", 1) for name in names]
    wait_until(lambda: not any(broker.leases.held(leases)), what="a beat after those that brought a lease back")


def test_a_double_of_a_running_command_is_dropped(broker, task_worker, performer):
    outcomes = Reader(broker, "notifications")
    task_worker(broker)
    broker.publisher.publish([run_task("a", does="wait"), run_task("a", does="wait")])
    wait_until(lambda: performer.running, what="the start")
    assert list(broker.leases.held([lease_key("a", "build", 1)])) == [True]
    broker.publisher.publish([run_task("a"), run_task("b")])
    wait_until(lambda: "b" in performer.started, what="the other command")
    performer.release.set()
    outcomes.wait_for(2)
    assert sorted(performer.started) == ["a", "b"]


def test_a_command_leased_elsewhere_is_dropped(broker, task_worker, performer):
    broker.leases.renew([lease_key("a", "build", 1)])
    task_worker(broker)
    broker.publisher.publish([run_task("a"), run_task("a", attempt=2)])
    wait_until(lambda: performer.started, what="the second attempt")
    wait_until(lambda: not broker.dramatiq.queues["tasks"].unsettled(), what="the acknowledgements")
    assert performer.started == ["a"]


@pytest.mark.parametrize(("attempts", "heard"), [(0, []), (4, [("a", "TaskFailed")])])
def test_a_command_of_a_newer_version_is_put_aside(broker, task_worker, performer, attempts, heard):
    """Its lease goes, so that a newer process can carry it out; only if none came, its instance hears of it."""
    outcomes = Reader(broker, "notifications")
    task_worker(broker)
    body = run_task("a", does="newer").body
    broker.publisher.publish([Message(queue="tasks", body=body, attempts=attempts), run_task("b")])
    outcomes.wait_for(1 + len(heard))
    wait_until(lambda: not broker.dramatiq.queues["tasks"].unsettled(), what="the acknowledgements")
    assert performer.rejected == [("a", attempts, "a field of tomorrow")]
    assert sorted(outcomes.events()) == [*heard, ("b", "TaskSucceeded")]
    wait_until(lambda: list(broker.leases.held([lease_key("a", "build", 1)])) == [False], what="its lease to go")


def test_asking_has_a_lease_of_its_own(broker, task_worker, performer):
    place = {"instance": "a", "path": "build", "attempt": 1}
    broker.leases.renew([lease_key("a", "build", 1)])
    task_worker(broker)
    broker.publisher.publish([Message(queue="tasks", body={"type": "AskApprovers", **place})])
    wait_until(lambda: len(performer.started) == 1, what="the asking")


def cancel(broker, instance: str) -> None:
    body = {"type": "CancelTask", "instance": instance, "path": "build", "attempt": 1}
    broker.publisher.publish([Message(queue="tasks", body=body)])


def test_a_cancellation_reaches_a_worker_whose_threads_are_all_busy(broker, task_worker, performer):
    outcomes = Reader(broker, "notifications")
    task_worker(broker, threads=1)
    broker.publisher.publish([run_task("a", does="until stopped")])
    wait_until(lambda: performer.running == 1, what="the start")
    cancel(broker, "a")
    wait_until(lambda: ("a", "TaskSucceeded") in outcomes.events(), what="the end")
    assert outcomes.seen[-1]["event"]["outputs"] is True


def test_what_was_cancelled_in_the_queue_is_stopped_before_it_begins(broker, task_worker, performer):
    outcomes = Reader(broker, "notifications")
    broker.publisher.publish([run_task("a", does="until stopped")])
    cancel(broker, "a")
    task_worker(broker)
    outcomes.wait_for(1)
    assert outcomes.seen[0]["event"]["outputs"] is True
    assert performer.stopped_before == ["a"]


def test_a_long_attempt_says_once_that_it_started_and_keeps_its_lease_until_cancelled(
    broker_url, open_broker, task_worker
):
    broker = open_broker(broker_url, lease_ms=800)
    outcomes = Reader(broker, "notifications")
    task_worker(broker)
    broker.publisher.publish([run_task("long", does="until stopped"), run_task("short")])
    outcomes.wait_for(2)
    assert outcomes.events() == [("short", "TaskSucceeded"), ("long", "TaskStarted")]
    assert outcomes.seen[1]["event"]["worker"]
    key = lease_key("long", "build", 1)
    assert list(broker.leases.held([key])) == [True]  # longer than a lease lasts by itself
    cancel(broker, "long")
    outcomes.wait_for(3)
    assert outcomes.events()[2:] == [("long", "TaskSucceeded")]
    assert outcomes.seen[2]["event"]["outputs"] is True  # it was asked to stop
    wait_until(lambda: not broker.leases.held([key])[0], what="the release")


@pytest.mark.parametrize(("does", "message"), [("crash", "RuntimeError: a bug"), ("exit", "SystemExit: 3")])
def test_a_fault_of_ours_fails_the_attempt(broker, task_worker, does: str, message: str):
    outcomes = Reader(broker, "notifications")
    task_worker(broker)
    broker.publisher.publish([run_task("a", does=does), run_task("b")])
    outcomes.wait_for(2)
    (failed,) = [body["event"] for body in outcomes.seen if body["instance"] == "a"]
    assert failed["type"] == "TaskFailed"
    assert failed["error"] == {"kind": "internal", "message": message}


def test_an_outcome_that_cannot_be_sent_fails_its_attempt_alone(broker, task_worker):
    outcomes = Reader(broker, "notifications")
    task_worker(broker)
    broker.publisher.publish([run_task("a", does="unsendable"), *(run_task(f"b{n}") for n in range(20))])
    outcomes.wait_for(21)
    (failed,) = [body["event"] for body in outcomes.seen if body["instance"] == "a"]
    assert failed["type"] == "TaskFailed"
    assert "cannot be sent" in failed["error"]["message"]


def test_what_is_no_command_is_dropped(broker, task_worker, performer):
    task_worker(broker)
    place = {"instance": "x", "path": "build", "attempt": 1}
    odd = [{**place, "type": "RunTask", name: [1]} for name in place]
    bodies = [{"type": "RunTask"}, ["nothing"], None, *odd]
    broker.publisher.publish([*(Message(queue="tasks", body=body) for body in bodies), run_task("a")])
    wait_until(lambda: performer.started == ["a"], what="the good one")
    wait_until(lambda: not broker.dramatiq.queues["tasks"].unsettled(), what="the acknowledgements")


def test_nobody_hears_of_a_failed_command_that_is_no_attempt():
    assert failure_of({"type": "CancelChild", "path": 7}, "why") is None


def test_several_queues_share_the_threads(broker, task_worker, performer):
    task_worker(broker, threads=2, queues=("tasks", "gpu"))
    broker.publisher.publish(
        [run_task("a", does="wait"), *(run_task(f"g{n}", queue="gpu", does="wait") for n in range(3))]
    )
    wait_until(lambda: performer.running == 2, what="both threads")
    performer.release.set()
    wait_until(lambda: len(performer.started) == 4, what="all four")
    assert performer.most_running == 2


@pytest.mark.redis
def test_nothing_waits_behind_slow_tasks_while_another_worker_idles(redis_url, open_broker, task_worker, performer):
    busy, outcomes = open_broker(redis_url), Reader(open_broker(redis_url), "notifications")
    task_worker(busy, threads=2)
    busy.publisher.publish([run_task(f"quick{n}") for n in range(50)])
    outcomes.wait_for(50)  # now it fetches far ahead
    busy.publisher.publish(
        [run_task("s1", does="wait"), run_task("s2", does="wait"), *(run_task(f"w{n}") for n in range(20))]
    )
    wait_until(lambda: performer.running == 2, what="both threads")
    task_worker(open_broker(redis_url), threads=2)
    wait_until(lambda: sum(name.startswith("w") for name in performer.started) == 20, what="the waiting ones")
    assert performer.running >= 2


def waiting(broker) -> int:
    return sum(one.waiting for one in broker.figures() if one.queue == "tasks")


@pytest.mark.redis
def test_nothing_waits_behind_tasks_that_take_longer_than_those_before(redis_url, open_broker, task_worker, performer):
    """Not long enough to be told apart while they run, and a hundred of them were fetched at once."""
    busy, outcomes = open_broker(redis_url), Reader(open_broker(redis_url), "notifications")
    idle, share = open_broker(redis_url), ScriptedPerformer()
    task_worker(busy, threads=2)
    busy.publisher.publish([run_task(f"quick{n}") for n in range(100)])
    outcomes.wait_for(100)
    busy.publisher.publish([run_task(f"s{n}", does="nap") for n in range(100)])
    wait_until(lambda: not waiting(busy), what="the first worker to have them all")
    task_worker(idle, performer=share, threads=2)
    outcomes.wait_for(200)
    assert len(share.started) >= 30


def test_stopping_lets_running_tasks_finish_and_gives_back_the_rest(broker, task_worker, performer):
    worker = task_worker(broker, threads=2)
    broker.publisher.publish([run_task("a", does="until stopped"), run_task("b", does="wait")])
    wait_until(lambda: performer.running == 2, what="the start")
    broker.publisher.publish([run_task("later")])
    performer.release.set()
    wait_until(lambda: performer.running == 1 or "later" in performer.started, what="one to finish")
    worker.stop(4)  # `a` never ends by itself: it is stopped and given back
    assert not broker.dramatiq.queues["tasks"].unsettled()
    assert not any(broker.leases.held([lease_key(name, "build", 1) for name in ("a", "b", "later")]))
    worker.join()


@pytest.mark.redis
def test_what_a_stopped_worker_gave_back_another_one_does(redis_url, open_broker, task_worker, performer):
    outcomes = Reader(open_broker(redis_url), "notifications")
    first = task_worker(open_broker(redis_url), threads=1)
    outcomes._broker.publisher.publish([run_task("a", does="until stopped"), *(run_task(f"b{n}") for n in range(5))])
    wait_until(lambda: performer.running == 1, what="the start")
    first.stop(3.2)
    assert [event for event in outcomes.events() if event[1] != "TaskStarted"] == []
    second = task_worker(open_broker(redis_url), threads=2)
    wait_until(lambda: performer.started.count("a") == 2, what="the same attempt again")
    wait_until(lambda: len([e for e in outcomes.events() if e[1] == "TaskSucceeded"]) == 5, what="the others")
    second.stop(3.2)


@pytest.mark.redis
def test_outcomes_survive_an_outage(redis_url, redis_server, open_broker, task_worker, performer):
    task_worker(open_broker(redis_url))
    publisher = open_broker(redis_url).publisher
    publisher.publish([run_task(f"i{n}", does="wait") for n in range(4)])
    wait_until(lambda: performer.running == 4, what="the start")
    redis_server.stop()
    performer.release.set()
    wait_until(lambda: performer.running == 0, what="the end")
    redis_server.start()
    outcomes = Reader(open_broker(redis_url), "notifications")
    outcomes.wait_for(4)
    publisher.publish([run_task("after")])
    outcomes.wait_for(5)


@pytest.mark.redis
def test_commands_of_a_killed_worker_are_done_by_another(redis_url, open_broker, task_worker, performer):
    victim = open_broker(redis_url, lease_ms=400)
    survivor = open_broker(redis_url, lease_ms=400)
    worker = task_worker(victim, threads=1)
    victim.publisher.publish([run_task("a", does="wait")])
    wait_until(lambda: performer.running == 1, what="the start")
    task_worker(survivor, threads=1)
    worker._heartbeat._stopping.set()
    victim.dramatiq._transport._heart.stop()
    wait_until(lambda: performer.started.count("a") == 2, what="the same attempt again")


@pytest.mark.redis
def test_what_somebody_else_took_over_counts_for_nothing(redis_url, open_broker, task_worker, performer):
    """A worker was stopped for longer than its lease. It must neither report what it did nor disturb who follows."""
    stopped, other = open_broker(redis_url), open_broker(redis_url)
    outcomes = Reader(other, "notifications")
    task_worker(stopped)
    key = lease_key("a", "build", 1)
    stopped.publisher.publish([run_task("a", does="until stopped")])
    wait_until(lambda: performer.running == 1, what="the start")
    wait_until(lambda: stopped.leases.release([key]) or other.leases.renew([key]) == ["ours"], what="the takeover")
    wait_until(lambda: performer.running == 0, what="the stop")
    wait_until(lambda: not stopped.dramatiq.queues["tasks"].unsettled(), what="the room")
    assert [event for event in outcomes.events() if event[1] != "TaskStarted"] == []
    assert list(other.leases.held([key])) == [True]
    stopped.publisher.publish([run_task("b")])
    wait_until(lambda: ("b", "TaskSucceeded") in outcomes.events(), what="the next command")


@pytest.mark.redis
def test_what_somebody_else_took_over_does_not_come_back(redis_url, open_broker, task_worker, performer):
    """Its message would: with the end of this worker, when whoever took over has long let go of the lease."""
    stopped, other = open_broker(redis_url), open_broker(redis_url)
    worker = task_worker(stopped)
    key = lease_key("a", "build", 1)
    stopped.publisher.publish([run_task("a", does="until stopped")])
    wait_until(lambda: performer.running == 1, what="the start")
    wait_until(lambda: stopped.leases.release([key]) or other.leases.renew([key]) == ["ours"], what="the takeover")
    wait_until(lambda: performer.running == 0, what="the stop")
    wait_until(lambda: not stopped.dramatiq.queues["tasks"].unsettled(), what="the room")
    other.leases.release([key])  # it has ended there
    worker.stop(4)
    task_worker(other)
    other.publisher.publish([run_task("after")])
    wait_until(lambda: "after" in performer.started, what="the next command")
    assert performer.started == ["a", "after"]
