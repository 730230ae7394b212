"""A record as one statement with a column of values for each column, leaving out the tables that get no rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.adapters.databases.deliveries import HOUR, verdicts_of
from engine.adapters.databases.documents import encoded
from engine.adapters.databases.instances import parent_columns
from engine.adapters.databases.postgres import statements
from engine.adapters.databases.postgres.batch import Statement
from engine.adapters.databases.postgres.statements import BROKEN, CONFLICT, TOLD
from engine.adapters.databases.timers import round_up
from engine.app.records import (
    Delivery,
    DeliveryResult,
    HistoryRow,
    InstanceChange,
    Message,
    NewDelivery,
    NewInstance,
    Record,
    ScopeWrite,
)
from engine.core.values import Json


def writes(record: Record) -> Iterator[Statement]:
    """One statement for a batch, after one for the definitions it refers to: none sees the rows it inserts itself.

    Raises Invalid for a value that cannot be stored.
    """
    for parts in (list(_definitions(record)), [*_instances(record), *_rest(record)]):
        if parts:
            text = statements.write(tuple((part.name, part.sql, part.otherwise) for part in parts))
            yield text, {f"{part.name}_{key}": value for part in parts for key, value in part.values.items()}


@dataclass(frozen=True, slots=True)
class _Part:
    """One table's rows. With `otherwise` exactly `count` of the values' rows have to be there, or it is told."""

    name: str
    sql: str
    values: dict[str, object]
    otherwise: str = ""


def _definitions(record: Record) -> Iterator[_Part]:
    if record.definitions:
        digests = sorted(record.definitions)  # two starts of the same new definitions wait for each other in one order
        documents = [encoded(record.definitions[digest]) for digest in digests]
        yield _Part("defined", statements.INSERT_DEFINITIONS, {"digests": digests, "documents": documents})


def _instances(record: Record) -> Iterator[_Part]:
    changes = {change.id: change for change in record.instances}
    if new := record.new_instances:
        first = [changes.pop(row.id, InstanceChange(id=row.id, seq=0)) for row in new]  # inserted as what they become
        yield _Part("started", statements.INSERT_INSTANCES, _starts(new) | _becoming(first), BROKEN)
    if counted := [change for change in changes.values() if change.state is None]:
        yield _Part("counted", statements.COUNT_INSTANCES, _counts(counted), BROKEN)
    if moved := [change for change in changes.values() if change.state is not None]:
        yield _Part("moved", statements.MOVE_INSTANCES, _moves(moved), BROKEN)
    if ended := record.ended:
        yield _Part("ended", statements.INSERT_ENDS, _ends(ended))


def _rest(record: Record) -> Iterator[_Part]:
    if inserted := [scope for scope in record.scopes if scope.version == 1]:
        yield _Part("opened", statements.INSERT_SCOPES, _scopes(inserted))
    if updated := [scope for scope in record.scopes if scope.version != 1]:
        versions = {"versions": [scope.version for scope in updated], "count": len(updated)}
        yield _Part("changed", statements.UPDATE_SCOPES, _scopes(updated) | versions, BROKEN)
    if record.history:
        yield _Part("recorded", statements.INSERT_HISTORY, _history(record.history))
    if record.outbox:
        yield _Part("queued", statements.INSERT_OUTBOX, _messages(record.outbox))
    if record.deliveries:
        yield _Part("closed", statements.END_DELIVERIES, _delivered(record.deliveries), CONFLICT)
    if record.arrivals:
        yield _Part("claimed", statements.TAKE_KEYS, _keys(record.arrivals), CONFLICT)
        yield _Part("arrived", statements.STORE_DELIVERIES, _arrived([stored for _, stored in record.arrivals]))
    if record.published:
        values = {"ids": record.published, "count": len(record.published)}
        yield _Part("published", statements.DELETE_OUTBOX, values, TOLD)


def _starts(rows: Sequence[NewInstance]) -> dict[str, object]:
    parents = [parent_columns(row.facts.parent) for row in rows]
    return {
        "ids": [row.id for row in rows],
        "workflows": [row.facts.workflow for row in rows],
        "versions": [row.version for row in rows],
        "digests": [row.facts.digest for row in rows],
        "commits": [row.facts.commit for row in rows],
        "inputs": [encoded(row.facts.inputs) for row in rows],
        "triggers": [encoded(row.facts.trigger) for row in rows],
        "started_by": [row.facts.started_by for row in rows],
        "started_at": [row.facts.started_at for row in rows],
        "start_keys": [row.start_key for row in rows],
        "deliveries": [row.delivery for row in rows],
        "depths": [row.facts.depth for row in rows],
        "parents": [instance for instance, _, _ in parents],
        "parent_paths": [path for _, path, _ in parents],
        "parent_attempts": [attempt for _, _, attempt in parents],
    }


def _counts(rows: Sequence[InstanceChange]) -> dict[str, object]:
    return {"ids": [row.id for row in rows], "seqs": [row.seq for row in rows], "count": len(rows)}


def _moves(rows: Sequence[InstanceChange]) -> dict[str, object]:
    return {"ids": [row.id for row in rows], **_becoming(rows)}


def _becoming(rows: Sequence[InstanceChange]) -> dict[str, object]:
    return {
        "seqs": [row.seq for row in rows],
        "states": [row.state or "running" for row in rows],
        "outputs": [_encoded(row.outputs) for row in rows],
        "errors": [_encoded(row.error) for row in rows],
        "finished_at": [row.finished_at or 0 for row in rows],
        "count": len(rows),
    }


def _ends(rows: Sequence[InstanceChange]) -> dict[str, object]:
    return {"ids": [row.id for row in rows], "seqs": [row.seq for row in rows], "states": [row.state for row in rows]}


def _scopes(rows: Sequence[ScopeWrite]) -> dict[str, object]:
    return {
        "instances": [row.instance for row in rows],
        "paths": [row.path for row in rows],
        "states": [encoded(row.state) for row in rows],
        "due": [round_up(row.next_due_at) or 0 for row in rows],
        "settled": [row.state["status"] == "settled" for row in rows],
    }


def _history(rows: Sequence[HistoryRow]) -> dict[str, object]:
    return {
        "instances": [row.instance for row in rows],
        "seqs": [row.seq for row in rows],
        "paths": [row.scope for row in rows],
        "events": [encoded(row.event) for row in rows],
        "accepted": [row.accepted for row in rows],
        "at": [row.at for row in rows],
    }


def _delivered(rows: Sequence[DeliveryResult]) -> dict[str, object]:
    rows = sorted(rows, key=lambda row: row.id)  # who closes the same ones waits in one direction only
    return {
        "ids": [row.id for row in rows],
        "states": [row.state for row in rows],
        "reasons": [row.reason for row in rows],
        "verdicts": [encoded(verdicts_of(row)) for row in rows],
        "count": len(rows),
    }


def _keys(rows: Sequence[tuple[NewDelivery, Delivery]]) -> dict[str, object]:
    """In order, so that two groups which share some wait for each other in one direction only."""
    keys = sorted(
        (call.source, key, call.id, stored.received_at + hours * HOUR)
        for call, stored in rows
        for key, hours in dict(call.keys).items()
    )
    return {
        "sources": [source for source, _, _, _ in keys],
        "keys": [key for _, key, _, _ in keys],
        "deliveries": [name for _, _, name, _ in keys],
        "expires_at": [until for _, _, _, until in keys],
        "count": len(keys),
    }


def _arrived(rows: Sequence[Delivery]) -> dict[str, object]:
    return {
        "ids": [row.id for row in rows],
        "sources": [row.source for row in rows],
        "providers": [row.provider for row in rows],
        "events": [row.event for row in rows],
        "headers": [encoded(row.headers) for row in rows],
        "bodies": [row.body for row in rows],
        "states": [row.state for row in rows],
        "reasons": [row.reason for row in rows],
        "verdicts": [encoded(verdicts_of(row)) for row in rows],
        "received_at": [row.received_at for row in rows],
    }


def _messages(rows: Sequence[Message]) -> dict[str, object]:
    return {
        "ids": [row.id for row in rows],
        "queues": [row.queue for row in rows],
        "bodies": [encoded(row.body) for row in rows],
    }


def _encoded(value: Json) -> bytes | None:
    return None if value is None else encoded(value)
