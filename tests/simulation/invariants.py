"""What must be true when everything has come to rest, whatever went wrong on the way. One function, one promise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from engine.adapters.databases.documents import load
from engine.app.records import FINAL
from engine.app.runs import Run
from engine.core.keys import split_path, task_path
from engine.core.model import Definition
from engine.core.replay import replay
from engine.core.state import ACTIVE
from tests.simulation.definitions import parse
from tests.simulation.faults import ASKED_TO_END
from tests.simulation.memory.readers import MemoryValues
from tests.simulation.memory.store import facts_of, read_definition
from tests.simulation.workflows import AFTER, BEGIN
from tests.simulation.world import World

COMPLETIONS = frozenset({"TaskSucceeded", "TaskFailed", "TaskCancelled"})
MENDED = frozenset({"AttemptUnclaimed", "AttemptLost"})


def broken(world: World) -> list[str]:
    """Every promise that was not kept."""
    return [problem for promise in PROMISES for problem in promise(world)]


def acknowledged_starts_happen_once(world: World) -> Iterator[str]:
    for key, promised in world.ledger.starts.items():
        found = [row.id for row in world.tables.instances.values() if row.start_key == key]
        if promised is None:
            yield f"the start {key} was never acknowledged"
        elif found != [promised]:
            yield f"the start {key} was promised as {promised}, and is {found}"


def every_instance_ends(world: World) -> Iterator[str]:
    for row in world.tables.instances.values():
        if row.state not in FINAL:
            yield f"{row.id} is {row.state} for ever: {_active(world, row.id)}"


def nothing_is_left_behind(world: World) -> Iterator[str]:
    tables = world.tables
    for name, row in tables.outbox.items():
        yield f"the outbox still has {name} ({'parked: ' + str(row.error) if row.parked else 'waiting'}): {row.body}"
    for instance, scopes in tables.scopes.items():
        for path, scope in scopes.items():
            if tables.instances[instance].state in FINAL and (scope.due is not None or not scope.settled):
                yield f"{instance} has ended, and its scope {path!r} has a timer or has not settled"
    if tables.locks:
        yield f"rows are still locked: {list(tables.locks)}"


def nobody_holds_or_waits(world: World) -> Iterator[str]:
    tables = world.tables
    for name, group in tables.groups.items():
        for slot in group.slots:
            yield f"{slot.instance}/{slot.path} {'holds' if slot.held else 'waits for'} a slot of {name}"
    for key in tables.event_waits:
        yield f"{key} still waits for an event"
    for approval in tables.approvals.values():
        if approval.values["state"] == "open":
            yield f"the approval of {approval.values['instance']}/{approval.values['path']} is still open"


def each_attempt_is_accepted_once_and_none_after_a_later_one(world: World) -> Iterator[str]:
    for instance in world.tables.instances:
        newest: dict[tuple[str, str], int] = {}
        ended: set[tuple[str, str, int]] = set()
        for row in world.histories[instance]:
            task, attempt = row.event.get("task"), row.event.get("attempt")
            if not row.accepted or row.event["type"] not in COMPLETIONS:
                continue
            if (row.scope, task, attempt) in ended:
                yield f"{instance}/{task_path(row.scope, task)} attempt {attempt} was accepted twice"
            if attempt < newest.get((row.scope, task), 0):
                yield f"{instance}/{task_path(row.scope, task)} attempt {attempt} was accepted after a later one"
            ended.add((row.scope, task, attempt))
            newest[row.scope, task] = max(attempt, newest.get((row.scope, task), 0))


def what_counts_as_done_was_done(world: World) -> Iterator[str]:
    """Successes and failures of attempts are told by workers alone."""
    for instance in world.tables.instances:
        for row in world.histories[instance]:
            path = task_path(row.scope, row.event.get("task", ""))
            if not row.accepted or row.event["type"] != "TaskSucceeded" or not _is_work(world, instance, path):
                continue
            done = world.ledger.done[instance, path]
            if not any(one.attempt == row.event["attempt"] and one.outcome == "succeeded" for one in done):
                yield f"{instance}/{path} attempt {row.event['attempt']} succeeded, and nobody did it: {done}"


def nothing_is_mended_where_nothing_went_wrong(world: World) -> Iterator[str]:
    """What is mended after seconds hides what was lost. Processes that are asked to end lose nothing."""
    if not _went_well(world):
        return
    for instance in world.tables.instances:
        for row in world.histories[instance]:
            path = task_path(row.scope, row.event.get("task", ""))
            if row.accepted and row.event["type"] in MENDED and _is_work(world, instance, path):
                yield f"{instance}/{path} attempt {row.event['attempt']} was lost: {row.event['type']}"


def nothing_is_done_twice_where_nothing_went_wrong(world: World) -> Iterator[str]:
    """Faults may have an attempt carried out again, and only they: calls that take seconds too."""
    plan = world.weather.plan
    if not _went_well(world) or plan.database.slow or plan.broker.slow:
        return
    for (instance, path), done in world.ledger.done.items():
        ends = Counter(one.attempt for one in done if one.outcome != "stopped")
        for attempt, times in ends.items():
            if times > 1:
                yield f"{instance}/{path} attempt {attempt} was carried out {times} times"


def no_more_attempts_than_allowed(world: World) -> Iterator[str]:
    """Attempts whose worker was lost apart, and those after somebody's retry."""
    if world.ledger.retried:
        return
    for (instance, path), begun in world.ledger.begun.items():
        scope, task = split_path(path)
        rows = [row for row in world.histories[instance] if row.scope == scope and row.event.get("task") == task]
        lost = sum(row.accepted and row.event["type"] == "AttemptLost" for row in rows)
        allowed = _definition(world, instance).task_list(scope).tasks[task].retry.max_attempts
        if len(begun) > allowed + lost:
            yield f"{instance}/{path} was begun in the attempts {sorted(begun)}; {allowed} are allowed and {lost} were lost"


def history_gives_the_state(world: World) -> Iterator[str]:
    for instance, row in world.tables.instances.items():
        run = Run.of(instance, facts_of(row), _definition(world, instance))
        values = MemoryValues(world.tables)

        def known(digest: str, values: MemoryValues = values, instance: str = instance) -> Any:
            return values.get(instance, [digest]).get(digest)

        rows = [(one.scope, one.event, one.at) for one in world.histories[instance]]
        folded = replay(run.definition, run.context("", (), known), rows)
        stored = {path: load(scope.state) for path, scope in world.tables.scopes[instance].items()}
        if folded != stored:
            yield f"{instance}: the history does not give the stored state"


def ends_are_counted_once(world: World) -> Iterator[str]:
    ended = {"succeeded": 0, "failed": 0, "cancelled": 0}
    for row in world.tables.instances.values():
        ended[row.state] = ended.get(row.state, 0) + 1
    found = world.tables.ended
    if not world.ledger.retried and any(found[state] != number for state, number in ended.items()):
        yield f"instances ended {ended}, and {dict(found)} were counted"


def decisions_count_once(world: World) -> Iterator[str]:
    for (approval, person), decision in world.ledger.decided.items():
        made = world.tables.approvals[approval].decisions.get(person)
        if made is None or made.decision != decision:
            yield f"{person} was told that {decision!r} counts for {approval}, and it is {made}"


def children_are_started_once(world: World) -> Iterator[str]:
    parents = Counter(
        (row.facts.parent.instance, row.facts.parent.path, row.facts.parent.attempt)
        for row in world.tables.instances.values()
        if row.facts.parent is not None
    )
    for parent, number in parents.items():
        if number > 1:
            yield f"{parent} has {number} instances"


def cancelled_means_cancelled(world: World) -> Iterator[str]:
    for instance in world.ledger.cancelled - world.ledger.retried:
        if not any(row.event["type"] == "CancelRequested" for row in world.histories[instance]):
            yield f"{instance} was cancelled, it was said, and its history does not know"


def deliveries_start_once(world: World) -> Iterator[str]:
    for key, name in world.ledger.deliveries.items():
        found = [row.id for row in world.tables.instances.values() if row.delivery == name]
        state = world.tables.deliveries[name].state
        if state != "started" or len(found) != 1:
            yield f"the delivery {key} was taken as {name}; it is {state} and has the instances {found}"
    if len(world.tables.deliveries) != len({name for name, _ in world.tables.delivery_keys.values()}):
        yield "a repeated delivery was taken for a new one"


def what_listens_starts_once(world: World) -> Iterator[str]:
    """Every event of the type that begins something has its instance, and so has every end that somebody waits for."""
    keys = [row.start_key or "" for row in world.tables.instances.values()]
    wanted = [f"event:{event}:first" for event, kind in world.ledger.events.items() if kind == BEGIN]
    if AFTER in world.family.definitions:
        ends = [row for row in world.tables.instances.values() if row.facts.workflow == "first" and row.state in FINAL]
        wanted += [f"after:{row.id}:{_end(world, row.id)}:{AFTER}" for row in ends]
    for key in wanted:
        if keys.count(key) != 1:
            yield f"{key} has {keys.count(key)} instances"


def events_are_kept_and_told(world: World) -> Iterator[str]:
    for event in world.ledger.events:
        if event not in world.tables.events or not world.tables.events[event].routed:
            yield f"the event {event} was taken, and is lost or was told nobody"


def quiet_times_are_quiet(world: World) -> Iterator[str]:
    if world.ledger.answered < 0.95 * world.ledger.asked:
        yield f"{world.ledger.answered} of {world.ledger.asked} requests were answered when nothing went wrong"


def nobody_was_surprised(world: World) -> Iterator[str]:
    """Errors that loops and handlers met and did not foresee; what a task of ours raises on purpose is none."""
    yield from world.kernel.errors


PROMISES: tuple[Callable[[World], Iterator[str]], ...] = (
    acknowledged_starts_happen_once,
    every_instance_ends,
    nothing_is_left_behind,
    nobody_holds_or_waits,
    each_attempt_is_accepted_once_and_none_after_a_later_one,
    what_counts_as_done_was_done,
    nothing_is_mended_where_nothing_went_wrong,
    nothing_is_done_twice_where_nothing_went_wrong,
    no_more_attempts_than_allowed,
    history_gives_the_state,
    ends_are_counted_once,
    decisions_count_once,
    children_are_started_once,
    cancelled_means_cancelled,
    deliveries_start_once,
    what_listens_starts_once,
    events_are_kept_and_told,
    quiet_times_are_quiet,
    nobody_was_surprised,
)


def results(world: World) -> dict[str, Any]:
    """How each start ended, task by task, without what depends on when things happened."""
    return {key: _result(world, started) for key, started in world.ledger.starts.items() if started is not None}


def lost_for_good(world: World) -> bool:
    """Whether a task failed because its workers died too often: then the result is another one, as it is promised."""
    return any('"kind":"lost"' in scope.state for scopes in world.tables.scopes.values() for scope in scopes.values())


def _result(world: World, instance: str) -> Any:
    row = world.tables.instances[instance]
    definition = _definition(world, instance)
    tasks = {}
    for path, scope in sorted(world.tables.scopes[instance].items()):
        for name, run in load(scope.state)["tasks"].items():
            plain = definition.task_list(path).tasks[name].kind in ("http", "values", "for_each", "group", "repeat")
            tasks[task_path(path, name)] = (
                run["state"],
                _timeless(run.get("outputs")) if plain else None,
                run.get("undone"),
            )
    return row.state, None if row.outputs is None else load(row.outputs), tasks


def _timeless(value: Any) -> Any:
    """Without who was faster to decide."""
    if isinstance(value, dict):
        return {key: _timeless(one) for key, one in value.items() if key != "decided_by"}
    return [_timeless(one) for one in value] if isinstance(value, list) else value


def _definition(world: World, instance: str) -> Definition:
    return parse(read_definition(world.tables, world.tables.instances[instance].digest))


def _end(world: World, instance: str) -> int:
    """The number of the row of history with which it ended."""
    return world.tables.last_end[instance]


def _went_well(world: World) -> bool:
    return all(fault.endswith(ASKED_TO_END) for fault in world.weather.happened)


def _is_work(world: World, instance: str, path: str) -> bool:
    scope, task = split_path(path)
    return _definition(world, instance).task_list(scope).tasks[task].kind == "http"


def _active(world: World, instance: str) -> Mapping[str, Any]:
    return {
        task_path(path, name): run
        for path, scope in world.tables.scopes[instance].items()
        for name, run in load(scope.state)["tasks"].items()
        if run["state"] in ACTIVE
    }
