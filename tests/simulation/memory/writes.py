"""A record as one transaction: everything is looked at first, so that what is refused changes nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, replace
from typing import Any

from engine.adapters.databases.deliveries import HOUR
from engine.adapters.databases.documents import dump, load
from engine.adapters.databases.timers import PUBLISH_AFTER
from engine.app.event_ports import Wait
from engine.app.records import ApprovalDecision, ApprovalEffect, Delivery, NewDelivery, Record
from engine.core.commands import AwaitEvent, CloseApproval, OpenApproval, RecordDecision
from engine.errors import Broken, Conflict
from tests.simulation.memory.tables import ApprovalRow, InstanceRow, OutRow, ScopeRow, Tables, coarse


def apply(tables: Tables, record: Record) -> list[str]:
    """Gives the published rows that the relay holds. Raises Conflict, Broken, Invalid: then nothing has changed."""
    _refuse_conflicts(tables, record)
    written = _documents(record)
    _refuse_broken(tables, record)
    _instances(tables, record, written)
    _scopes_and_history(tables, record, written)
    _outbox(tables, record, written)
    _effects(tables, record)
    return delete(tables, record.published)


def delete(tables: Tables, rows: Collection[str]) -> list[str]:
    """Outbox rows, but for those that are locked: a row that the relay holds is the relay's to delete. Gives these."""
    held = [name for name in rows if name in tables.outbox and ("outbox", name) in tables.locks]
    for name in rows:
        if name not in held:
            tables.outbox.pop(name, None)
    return held


def _documents(record: Record) -> dict[str, list[Any]]:
    """Everything as text. Raises Invalid."""
    for new in record.new_instances:
        dump([new.facts.inputs, new.facts.trigger, new.facts.started_by])
    for call, _ in record.arrivals:
        dump(call.headers)
    for effect in record.approvals:
        dump(asdict(effect.command))
    return {
        "definitions": [(digest, dump(document)) for digest, document in record.definitions.items()],
        "scopes": [dump(write.state) for write in record.scopes],
        "history": [dump(row.event) for row in record.history],
        "outbox": [dump(message.body) for message in record.outbox],
        "ends": [
            (_maybe(change.outputs), _maybe(change.error)) for change in record.instances if change.state is not None
        ],
    }


def _maybe(value: Any) -> str | None:
    return None if value is None else dump(value)


def _refuse_conflicts(tables: Tables, record: Record) -> None:
    keys = [new.start_key for new in record.new_instances if new.start_key is not None]
    if len(set(keys)) < len(keys) or any(key in tables.start_keys for key in keys):
        raise Conflict("a start key exists")
    if any(new.id in tables.instances for new in record.new_instances):
        raise Conflict("an instance exists")
    for result in record.deliveries:
        if result.id not in tables.deliveries or tables.deliveries[result.id].state != "received":
            raise Conflict(f"delivery {result.id} has been dealt with already")
    taken = [(call.source, key) for call, _ in record.arrivals for key, _ in call.keys]
    now = tables.now()
    if len(set(taken)) < len(taken) or any(tables.delivery_keys.get(key, ("", 0))[1] > now for key in taken):
        raise Conflict("another delivery holds a key of one that arrives")


def _refuse_broken(tables: Tables, record: Record) -> None:
    new = {one.id for one in record.new_instances}
    known = {*tables.definitions, *record.definitions}
    if any(one.facts.digest not in known for one in record.new_instances):
        raise Broken("an instance's definition is not there")
    if any(change.id not in tables.instances and change.id not in new for change in record.instances):
        raise Broken("an instance does not exist")
    for write in record.scopes:
        row = tables.scopes.get(write.instance, {}).get(write.path)
        if (row.version if row else 0) != write.version - 1:
            raise Broken("a scope was changed by somebody else while it was locked, or does not exist")
    for event in record.history:
        rows = tables.history.get(event.instance, [])
        if rows and rows[-1][0].seq >= event.seq:
            raise Broken("a history row exists")
    if any((receipt in tables.receipts) for receipt in record.receipts):
        raise Broken("an event was used up before")


def _instances(tables: Tables, record: Record, written: dict[str, list[Any]]) -> None:
    for digest, document in written["definitions"]:
        tables.definitions.setdefault(digest, document)
    for new in record.new_instances:
        tables.instances[new.id] = InstanceRow(
            id=new.id,
            facts=replace(new.facts, inputs=load(dump(new.facts.inputs)), trigger=load(dump(new.facts.trigger))),
            version=new.version,
            digest=new.facts.digest,
            commit=new.facts.commit,
            start_key=new.start_key,
            delivery=new.delivery,
        )
        if new.start_key is not None:
            tables.start_keys[new.start_key] = new.id
    moved = iter(written["ends"])
    for change in record.instances:
        row = tables.instances[change.id]
        row.seq = change.seq
        if change.state is not None:
            row.state, row.finished_at = change.state, change.finished_at
            row.outputs, row.error = next(moved)
    for change in record.ended:
        tables.ends[change.id, change.seq] = str(change.state)
        tables.last_end[change.id] = change.seq
    for instance, (digest, version, commit) in record.adoptions.items():
        row = tables.instances[instance]
        row.digest, row.version, row.commit = digest, version, commit


def _scopes_and_history(tables: Tables, record: Record, written: dict[str, list[Any]]) -> None:
    for write, text in zip(record.scopes, written["scopes"], strict=True):
        settled = write.state["status"] == "settled"
        row = ScopeRow(state=text, version=write.version, due=coarse(write.next_due_at), settled=settled)
        tables.scopes.setdefault(write.instance, {})[write.path] = row
    for event, text in zip(record.history, written["history"], strict=True):
        tables.history.setdefault(event.instance, []).append((event, text))


def _outbox(tables: Tables, record: Record, written: dict[str, list[Any]]) -> None:
    after = tables.now() + PUBLISH_AFTER
    for message, text in zip(record.outbox, written["outbox"], strict=True):
        tables.outbox[message.id or tables.draw()] = OutRow(queue=message.queue, body=text, after=after)


def _effects(tables: Tables, record: Record) -> None:
    for result in record.deliveries:
        tables.deliveries[result.id] = replace(
            tables.deliveries[result.id], state=result.state, reason=result.reason, verdicts=result.verdicts
        )
    for call, stored in record.arrivals:
        _arrive(tables, call, stored)
    for effect in record.approvals:
        _approval(tables, effect)
    for wait in record.waits:
        command = wait.command
        key = (wait.instance, command.path, command.attempt)
        if isinstance(command, AwaitEvent):
            made = Wait(
                instance=wait.instance,
                path=command.path,
                attempt=command.attempt,
                type=command.event,
                since=command.since,
                match=command.match,
                names=command.names,
            )
            tables.event_waits.setdefault(key, made)
        else:
            tables.event_waits.pop(key, None)
    tables.receipts.update(record.receipts)
    for gone in record.forgotten:
        for name in [name for name in tables.kept if gone.covers(*name)]:
            del tables.kept[name]
    for kept in record.kept:
        tables.kept[kept.workflow, kept.path, kept.key] = replace(kept, outputs=load(dump(kept.outputs)))


def _arrive(tables: Tables, call: NewDelivery, stored: Delivery) -> None:
    for key, hours in call.keys:
        tables.delivery_keys[call.source, key] = call.id, stored.received_at + hours * HOUR
    tables.deliveries[call.id] = stored


def _approval(tables: Tables, effect: ApprovalEffect) -> None:
    command = effect.command
    key = (effect.instance, command.path, command.attempt)
    match command:
        case OpenApproval():
            if key in tables.approval_of:
                return
            tables.approval_of[key] = opened = tables.draw()
            names = ("path", "attempt", "message", "require", "form", "channel", "expires_at")
            values = {name: getattr(command, name) for name in names}
            values |= {"approvers": tuple(command.approvers), "exclude": tuple(command.exclude)}
            values |= {"id": opened, "instance": effect.instance, "state": "open", "opened_at": effect.at}
            tables.approvals[opened] = ApprovalRow({**values, "closed_at": None})
        case RecordDecision():
            made = command.decision
            decision = ApprovalDecision(
                person=command.person,
                decision=made["decision"],
                comment=made.get("comment", ""),
                form=made.get("form", {}),
                via=command.via,
                at=made["at"],
            )
            if key in tables.approval_of:
                tables.approvals[tables.approval_of[key]].decisions.setdefault(command.person, decision)
        case CloseApproval():
            if key in tables.approval_of:
                row = tables.approvals[tables.approval_of[key]].values
                if row["state"] == "open":
                    row["state"], row["closed_at"] = command.outcome, effect.at
