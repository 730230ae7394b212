"""Schedules are remembered by workflow and entry."""

from __future__ import annotations

from dataclasses import replace

from engine.adapters.databases.connect import InstancesDatabase
from engine.app.trigger_ports import ScheduleRow

ROW = ScheduleRow(workflow="release", entry="e1", next_at=60_000)


def test_a_row_is_put_changed_and_forgotten(stores: InstancesDatabase):
    assert stores.schedules.all() == []
    other = replace(ROW, entry="e2", next_at=None)
    stores.schedules.put(other)
    stores.schedules.put(ROW)
    assert stores.schedules.all() == [ROW, other]
    fired = replace(ROW, next_at=120_000, last_at=60_000, last_instance="i1", pending_at=60_000, error="no inputs")
    stores.schedules.put(fired)
    assert stores.schedules.all() == [fired, other]
    stores.schedules.forget(other)
    assert stores.schedules.all() == [fired]
