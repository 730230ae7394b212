"""Why a task is where it is, of real instances on both databases: each cause once."""

from __future__ import annotations

import pytest

from engine.app.approve import Approver
from engine.app.cancel import Canceller
from engine.app.explain import Explainer
from engine.app.pause import Pauser
from engine.core.events import AttemptLost, EventReceived, TaskCancelled, TaskResolved
from engine.errors import NotFound
from tests.app.test_children import Family


@pytest.fixture
def explainer(world):
    instances = world.instances
    return Explainer(
        reader=world.reader, instances=instances.store, approvals=instances.approvals, slots=instances.slots
    )


@pytest.fixture
def explain(explainer):
    def one(instance, path):
        (found,) = explainer.explain(instance, path).tasks
        return found

    return one


def now(task):
    (wait,) = task.waits
    return wait


FORK = """
tasks:
  a: {run: x}
  b: {needs: a, run: x}
  c: {needs: [a, b.failed], join: any, run: x}
  d: {needs: a.failed, run: x}
  e: {needs: d, run: x}
"""


def test_skipped_by_an_edge_and_run_by_one(world, explain):
    instance = world.start(FORK)
    pending = explain(instance, "c")
    assert (pending.state, pending.why, pending.join) == ("pending", "it waits for a, b", "any")
    world.work()
    skipped = explain(instance, "d")
    assert (skipped.state, skipped.why) == (
        "skipped",
        "skipped, because it waits for a.failed, but the outcome was succeeded",
    )
    assert [(edge.source, edge.outcome, edge.got, edge.satisfied) for edge in skipped.edges] == [
        ("a", "failed", "succeeded", False)
    ]
    assert explain(instance, "e").why == "skipped, because it waits for d.succeeded, but the outcome was skipped"
    ran = explain(instance, "c")
    assert ran.why == "it ran, because a ended succeeded"
    assert [edge.satisfied for edge in ran.edges] == [True, False]
    assert explain(instance, "a").why == "it ran, because it needs nothing"


CONDITIONS = """
inputs: {n: {type: integer, default: 3}, tags: {type: array, items: {type: string}, default: [x, y]}}
tasks:
  small: {if: inputs.n < 3, run: x}
  large: {if: "inputs.n >= 3 && 'x' in inputs.tags", run: x}
  which: {switch: {few: inputs.n < 2, some: inputs.n < 5, many: otherwise}}
"""


def test_conditions_with_the_values_that_they_had(world, explain):
    instance = world.start(CONDITIONS)
    world.work()
    small = explain(instance, "small")
    assert small.why == "skipped, because inputs.n < 3 is false"
    assert [(one.of, one.source, one.result, one.values) for one in small.conditions] == [
        ("if", "inputs.n < 3", False, {"inputs.n": 3})
    ]
    (large,) = explain(instance, "large").conditions
    assert (large.result, large.values) == (True, {"inputs.n": 3, "inputs.tags": ["x", "y"]})
    which = explain(instance, "which")
    assert [(one.of, one.result) for one in which.conditions] == [("few", False), ("some", True)]


def test_a_condition_that_was_not_evaluated_says_so(world, explain):
    instance = world.start("tasks:\n  a: {run: x}\n  b: {needs: a, if: tasks.a.outcome == 'succeeded', run: x}\n")
    (condition,) = explain(instance, "b").conditions
    assert (condition.result, condition.values) == (None, {})


def test_failed_after_attempts_and_handled(world, explain, explainer):
    instance = world.start("""
tasks:
  a: {run: x, retry: {max_attempts: 2, delay: 10s}}
  mend: {needs: a.failed, run: x}
  b: {run: x}
""")
    first, other = world.queued()
    world.begin(first)
    assert now(explain(instance, "a")).on == "worker"
    world.answer(first, error="exit")
    waits = explain(instance, "a")
    assert (now(waits).on, now(waits).said) == ("retry", "waits before attempt 2")
    assert [one.what for one in waits.next] == ["attempt 2 starts"]
    assert waits.next[0].at == now(waits).until
    world.move(12_000)
    world.wait_for_timers()
    (second,) = world.queued()
    world.answer(second, error="exit")
    world.answer(other, error="exit")
    failed = explain(instance, "a")
    assert [(one.number, one.end, one.error["message"]) for one in failed.attempts] == [
        (1, "failed", "exit"),
        (2, "failed", "exit"),
    ]
    assert failed.attempts[0].started_at <= failed.attempts[0].ended_at <= failed.attempts[1].ended_at
    assert failed.attempts[1].started_at is None
    assert failed.why == "it ran, because it needs nothing; it failed after 2 attempts: exit"
    assert (failed.handling, failed.handled_by) == ("handled", ("mend",))
    assert explain(instance, "b").handling == "unhandled"
    world.work()
    whole = explainer.explain(instance)
    assert (whole.state, whole.why) == ("failed", "failed, because nobody handled: b failed")
    assert [task.path for task in whole.tasks] == ["a", "b"]


def test_accepted_failures_and_lost_attempts(world, explain):
    instance = world.start("tasks:\n  a: {run: x, continue_on_error: true}\n")
    (command,) = world.queued()
    world.begin(command)
    world.tell(instance, AttemptLost(task="a", attempt=1))
    (command,) = world.queued()
    world.answer(command, error="exit")
    told = explain(instance, "a")
    assert [(one.number, one.end) for one in told.attempts] == [(1, "lost"), (2, "failed")]
    assert told.handling == "accepted"


def test_waiting_for_people(world, explain):
    text = "tasks:\n  ask: {uses: approval, with: {message: Well?, approvers: [ana, ben], require: 2, expires: 2h}}\n"
    instance = world.start(text)
    wait = now(explain(instance, "ask"))
    assert (wait.on, wait.said) == ("approval", "waits for 2 of ana, ben")
    assert wait.until - wait.since == 7_200_000
    assert [one.what for one in explain(instance, "ask").next] == ["it ends expired"]
    approvals = world.instances.approvals
    approver = Approver(
        approvals=approvals,
        definitions=world.definitions,
        reader=world.reader,
        advancer=world.advancer,
        clock=world.recovery,
    )
    approver.decide(approvals.at(instance, "ask").id, person="ben", decision="approved", via="api")
    wait = now(explain(instance, "ask"))
    assert wait.said == "waits for 2 of ana, ben; ben approved"
    assert wait.details["approved"] == ["ben"]
    approver.decide(approvals.at(instance, "ask").id, person="ana", decision="rejected", via="api")
    told = explain(instance, "ask")
    assert (told.state, told.waits, told.handling) == ("rejected", (), "unhandled")


def test_waiting_for_an_event_and_for_a_time(world, explain, explainer):
    instance = world.start("""
inputs: {order: {type: string, default: A1}}
tasks:
  paid: {uses: event, with: {type: order.paid, match: event.body.order == inputs.order, timeout: 1h}}
  later: {uses: wait, with: {for: 30m}}
""")
    paid = explain(instance, "paid")
    assert now(paid).said == "waits for an event order.paid with event.body.order == inputs.order"
    assert now(paid).until == paid.next[0].at
    assert [one.what for one in paid.next] == ["it ends timed_out"]
    later = explain(instance, "later")
    assert (now(later).on, [one.what for one in later.next]) == ("time", ["it ends succeeded"])
    whole = explainer.explain(instance)
    assert [(task.path, now(task).on) for task in whole.tasks] == [("paid", "event"), ("later", "time")]
    event = {"id": "e", "type": "order.paid", "source": "api", "body": {}, "received_at": "2026-01-01T00:00:00Z"}
    world.tell(instance, EventReceived(task="paid", attempt=1, event=event))
    assert [one.end for one in explain(instance, "paid").attempts] == ["received"]


@pytest.mark.parametrize("text", ["tasks:\n  a: {run: x, concurrency: {group: deploy}}\n"])
def test_waiting_for_a_slot(world, explain, text):
    first, second, third = (world.start(text) for _ in range(3))
    wait = now(explain(third, "a"))
    assert (wait.on, wait.said) == ("slot", f"waits for a slot of deploy, held by {first} a")
    assert wait.details == {"group": "deploy", "limit": 1, "place": 2, "holders": [{"instance": first, "path": "a"}]}
    assert now(explain(second, "a")).details["place"] == 1
    assert now(explain(first, "a")).said.startswith("waits for a worker of the queue tasks")


def test_an_instance_that_waits_for_a_slot(world, explain, explainer):
    text = "concurrency: {group: release}\ntasks:\n  a: {run: x}\n"
    first, second = (world.start(text) for _ in range(2))
    whole = explainer.explain(second)
    assert [wait.said for wait in whole.waits] == [f"waits for a slot of release, held by {first}"]
    assert whole.waits[0].details["place"] == 1
    told = explain(second, "a")
    assert (told.state, told.why) == ("pending", "the instance itself has not started")


def test_a_rate_limit_and_a_pause(world, explain, explainer):
    text = (
        "tasks:\n  a: {run: x}\n  b: {needs: a, run: x}\n  c: {run: x, rate_limit: {group: api, limit: 1, per: 1h}}\n"
    )
    instance, other = world.start(text), world.start(text)
    limited = explain(other, "c")
    assert (now(limited).on, now(limited).until, [one.what for one in limited.next]) == (
        "rate",
        limited.next[0].at,
        ["its rate limit lets it start"],
    )
    Pauser(reader=world.reader, advancer=world.advancer).pause(instance, by="ana", reason="lunch")
    for command in world.queued():
        if command["instance"] == instance and command["path"] == "a":
            world.answer(command)
    held = explain(instance, "b")
    assert (now(held).on, now(held).said) == ("pause", "paused by ana: lunch")
    assert [wait.on for wait in explainer.explain(instance).waits] == ["pause"]


def test_what_tasks_consist_of(world, explain):
    instance = world.start("""
tasks:
  deploy:
    for_each: "['eu', 'us']"
    key: item
    tasks:
      prepare: {tasks: {pull: {run: x}}}
      probe: {needs: prepare, repeat: {until: "true", max_iterations: 2}, run: x}
  after: {needs: deploy, run: x}
""")
    wait = now(explain(instance, "deploy"))
    assert (wait.on, wait.details["total"]) == ("items", 2)
    assert wait.said == "0 of 2 items ended: deploy[eu]/prepare/pull, deploy[us]/prepare/pull"
    assert now(explain(instance, "deploy[eu]/prepare")).said == "its tasks are under way: deploy[eu]/prepare/pull"
    pull = explain(instance, "deploy[eu]/prepare/pull")
    assert (pull.why, now(pull).on) == ("under way, because it needs nothing", "queue")
    assert explain(instance, "deploy[eu]/probe").why == "it waits for prepare"
    assert explain(instance, "deploy[eu]/probe#1").why == "it waits, because deploy[eu]/probe#1 has not begun"
    for command in world.queued():
        world.answer(command)
    probe = explain(instance, "deploy[us]/probe")
    assert now(probe).said == "iteration 1: deploy[us]/probe#1"
    first = explain(instance, "deploy[us]/probe#1")
    assert (first.why, now(first).on) == ("under way, because it belongs to deploy[us]/probe", "queue")
    world.work()
    assert explain(instance, "deploy[us]/probe").why == "it ran, because prepare ended succeeded"
    assert [one.end for one in explain(instance, "deploy[us]/probe#1").attempts] == ["succeeded"]
    for path in ("deploy[eu]/nope", "nope", "deploy/prepare"):
        with pytest.raises(NotFound):
            explain(instance, path)


def test_a_child_workflow(world, explain):
    family = Family(world)
    instance = family.start("name: w\ntasks: {call: {workflow: other}}\n", "name: other\ntasks: {a: {run: x}}\n")
    assert now(explain(instance, "call")).said == "other is about to be started"
    family.turn()
    (child,) = family.children(instance)
    wait = now(explain(instance, "call"))
    assert (wait.on, wait.said) == ("child", f"waits for other {child.id}, which is running")
    for command in world.queued():
        world.answer(command, error="exit")
    family.turn()
    told = explain(instance, "call")
    assert [(one.number, one.end, one.error["kind"]) for one in told.attempts] == [(1, "failed", "exit")]


SAGA = """
tasks:
  book: {run: x, compensate: {run: y}}
  pay: {needs: book, run: x}
  late: {needs: pay, run: x}
finally:
  report: {run: x}
"""


def test_undone_what_a_failure_left_behind(world, explain, explainer):
    instance = world.start(SAGA)
    assert explain(instance, "finally/report").why == "it waits, because the workflow's own tasks have not ended"
    world.answer(world.queued()[0])
    world.answer(world.queued()[0], error="exit")
    assert [wait.said for wait in explainer.explain(instance).waits] == ["undoes book"]
    undoing = explain(instance, "book/compensate")
    assert (undoing.why, now(undoing).on) == ("under way, because it undoes book", "queue")
    world.work()
    assert explain(instance, "book").why == "it ran, because it needs nothing; it was undone"
    assert explain(instance, "late").why == "skipped, because it waits for pay.succeeded, but the outcome was failed"
    assert explain(instance, "finally/report").state == "succeeded"


def test_cancelled_and_ended_by_hand(world, explain, explainer):
    instance = world.start(
        "tasks:\n  a: {uses: wait, with: {for: 1h}}\n  b: {uses: wait, with: {for: 1h}}\n  c: {needs: a.failed, run: x}\n"
    )
    world.tell(instance, TaskResolved(task="a", resolution="succeeded", by="ben"))
    assert explain(instance, "a").why == "it ran, because it needs nothing; ended by ben"
    Canceller(reader=world.reader, advancer=world.advancer).cancel(instance, by="ana", reason="a slip")
    told = explain(instance, "b")
    assert (told.state, told.why) == ("cancelled", "it ran, because it needs nothing; its scope was cancelled by ana")
    assert explainer.explain(instance).why == "cancelled by ana: a slip"


@pytest.mark.parametrize("path", ["a]", "nobody", "a]/compensate", "]", "a[x]", "a#1", "", "/", "a/b"])
def test_a_path_that_leads_nowhere(world, explainer, path):
    instance = world.start("tasks:\n  a: {run: x}\n")
    with pytest.raises(NotFound):
        explainer.explain(instance, path)


def test_the_rest_that_nobody_needs(world, explain):
    instance = world.start(
        "tasks:\n  a: {run: x}\n  b: {run: x}\n  c: {needs: [a, b], join: any, cancel_rest: true, run: x}\n"
    )
    a, b = world.queued()
    world.begin(b)
    world.answer(a)
    (_,) = world.called_off()
    world.tell(instance, TaskCancelled(task="b", attempt=1))
    told = explain(instance, "b")
    assert told.why == "it ran, because it needs nothing; its own scope had no more use for it"
    assert told.handling == "wanted"


def test_a_timeout_of_the_whole_comes_next(world, explainer):
    instance = world.start("timeout: 3h\ntasks:\n  a: {run: x}\n")
    (coming,) = explainer.explain(instance).next
    assert coming.what == "the instance is stopped, as its timeout is over"
    with pytest.raises(NotFound):
        explainer.explain("gone")
