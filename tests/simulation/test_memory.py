"""The databases in memory keep the contract of the real ones: the suite over these runs on them too, as far as they go."""

from __future__ import annotations

import inspect
import time
import uuid
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from tests.holds import (
    test_approvals,
    test_deliveries,
    test_ends,
    test_events,
    test_gates,
    test_instances,
    test_outbox,
    test_recovery,
    test_schedules,
    test_values,
)
from tests.simulation.memory.readers import (
    MemoryApprovals,
    MemoryDeliveries,
    MemoryEvents,
    MemoryReader,
    MemoryValues,
)
from tests.simulation.memory.store import MemoryStore
from tests.simulation.memory.sweeps import MemoryEnds, MemoryOutbox, MemoryRecovery, MemorySchedules
from tests.simulation.memory.tables import Tables

SUITES = (
    test_approvals,
    test_deliveries,
    test_ends,
    test_events,
    test_gates,
    test_instances,
    test_outbox,
    test_recovery,
    test_schedules,
    test_values,
)
OTHERS = frozenset(
    {
        "test_lists_are_paged_newest_first",
        "test_a_key_counts_for_its_hours",
        "test_a_hundred_at_once_are_one",
        "test_groups_that_share_keys_wait_for_each_other_in_one_direction",
        "test_of_groups_that_arrive_with_the_same_keys_one_is_stored",
        "test_lists_are_filtered_and_paged",
        "test_what_cannot_be_kept_is_refused",
        "test_each_end_is_counted_once_when_it_was_dealt_with",
        "test_ends_go_with_pruned_instances",
        "test_a_child_knows_its_parent",
        "test_newest_first_page_by_page",
        "test_old_events_go_once_they_were_routed_and_waits_go_with_their_instances",
        "test_a_batch_writes_many_instances_at_once",
        "test_a_claim_gives_back_the_message_and_deletes_it",
        "test_a_claim_that_fails_keeps_the_rows_as_they_were",
        "test_a_row_that_fails_is_counted_and_parked_the_fifth_time",
        "test_a_message_of_a_newer_version_comes_again_four_times",
        "test_the_limit_holds_and_the_oldest_go_first",
        "test_rows_under_claim_are_skipped_by_other_claims",
        "test_a_writer_does_not_wait_for_the_relay",
        "test_values_go_with_their_instance",
    }
)
"""Tests that look below the ports, or at what no seed needs: lists for people, pruning."""


def cases() -> Iterator[Any]:
    for suite in SUITES:
        for name, test in vars(suite).items():
            if not name.startswith("test_") or not inspect.isfunction(test) or name in OTHERS:
                continue
            if tuple(inspect.signature(test).parameters) == ("stores",):
                yield pytest.param(test, id=f"{suite.__name__.rpartition('.')[2]}-{name}")


@pytest.fixture
def stores() -> SimpleNamespace:
    tables = Tables(lambda: int(time.time() * 1000), lambda: str(uuid.uuid4()))
    return SimpleNamespace(
        store=MemoryStore(tables),
        outbox=MemoryOutbox(tables),
        recovery=MemoryRecovery(tables),
        reader=MemoryReader(tables),
        approvals=MemoryApprovals(tables),
        deliveries=MemoryDeliveries(tables),
        events=MemoryEvents(tables),
        ends=MemoryEnds(tables),
        schedules=MemorySchedules(tables),
        values=MemoryValues(tables),
    )


@pytest.mark.parametrize("case", list(cases()))
def test_the_same_holds_in_memory(case: Callable[[Any], None], stores: SimpleNamespace):
    case(stores)
