"""A record as statements with a column of values each, leaving out those that have no rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.adapters.databases.documents import dump
from engine.adapters.databases.postgres import statements
from engine.adapters.databases.postgres.batch import Statement
from engine.adapters.databases.timers import round_up
from engine.app.records import HistoryRow, InstanceChange, Message, NewInstance, Record, ScopeWrite
from engine.core.values import Json


def writes(record: Record) -> Iterator[Statement]:
    """In the order in which rows need each other. Raises Invalid for a value that cannot be stored."""
    if record.definitions:
        digests = sorted(record.definitions)  # two starts of the same new definitions wait for each other in one order
        documents = [dump(record.definitions[digest]) for digest in digests]
        yield statements.INSERT_DEFINITIONS, {"digests": digests, "documents": documents}
    if record.new_instances:
        yield _insert_instances(record.new_instances)
    if counted := [change for change in record.instances if change.state is None]:
        yield _count_instances(counted)
    if moved := [change for change in record.instances if change.state is not None]:
        yield _move_instances(moved)
    if inserted := [scope for scope in record.scopes if scope.version == 1]:
        yield statements.INSERT_SCOPES, _scopes(inserted)
    if updated := [scope for scope in record.scopes if scope.version != 1]:
        versions = {"versions": [scope.version for scope in updated], "count": len(updated)}
        yield statements.UPDATE_SCOPES, _scopes(updated) | versions
    if record.history:
        yield _insert_history(record.history)
    if record.outbox:
        yield _insert_outbox(record.outbox)
    if record.published:
        yield statements.DELETE_OUTBOX, {"ids": record.published}


def _insert_instances(rows: Sequence[NewInstance]) -> Statement:
    return statements.INSERT_INSTANCES, {
        "ids": [row.id for row in rows],
        "workflows": [row.facts.workflow for row in rows],
        "versions": [row.version for row in rows],
        "digests": [row.facts.digest for row in rows],
        "commits": [row.facts.commit for row in rows],
        "inputs": [dump(row.facts.inputs) for row in rows],
        "triggers": [dump(row.facts.trigger) for row in rows],
        "started_by": [row.facts.started_by for row in rows],
        "started_at": [row.facts.started_at for row in rows],
        "start_keys": [row.start_key for row in rows],
        "deliveries": [row.delivery for row in rows],
    }


def _count_instances(rows: Sequence[InstanceChange]) -> Statement:
    return statements.COUNT_INSTANCES, {
        "ids": [row.id for row in rows],
        "seqs": [row.seq for row in rows],
        "count": len(rows),
    }


def _move_instances(rows: Sequence[InstanceChange]) -> Statement:
    return statements.MOVE_INSTANCES, {
        "ids": [row.id for row in rows],
        "seqs": [row.seq for row in rows],
        "states": [row.state for row in rows],
        "outputs": [_dump(row.outputs) for row in rows],
        "errors": [_dump(row.error) for row in rows],
        "finished_at": [row.finished_at or 0 for row in rows],
        "count": len(rows),
    }


def _scopes(rows: Sequence[ScopeWrite]) -> dict[str, object]:
    return {
        "instances": [row.instance for row in rows],
        "paths": [row.path for row in rows],
        "states": [dump(row.state) for row in rows],
        "due": [round_up(row.next_due_at) or 0 for row in rows],
        "settled": [row.state["status"] == "settled" for row in rows],
    }


def _insert_history(rows: Sequence[HistoryRow]) -> Statement:
    return statements.INSERT_HISTORY, {
        "instances": [row.instance for row in rows],
        "seqs": [row.seq for row in rows],
        "paths": [row.scope for row in rows],
        "events": [dump(row.event) for row in rows],
        "accepted": [row.accepted for row in rows],
        "at": [row.at for row in rows],
    }


def _insert_outbox(rows: Sequence[Message]) -> Statement:
    return statements.INSERT_OUTBOX, {
        "ids": [row.id for row in rows],
        "queues": [row.queue for row in rows],
        "bodies": [dump(row.body) for row in rows],
    }


def _dump(value: Json) -> str | None:
    return None if value is None else dump(value)
