"""The figures: what is in them, and what is there of them when a part is away."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from engine.api.metrics import FAMILIES, exposition
from engine.app.records import Message
from engine.errors import Unavailable
from tests.web.world import populate

PARTS = {
    "instances": "headrace_instances",
    "broker": "headrace_queue_messages",
    "definitions": "headrace_sync_failing",
}
"""Each with a family that is read from it."""


def samples(text):
    """Values by name and labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def away():
    raise Unavailable("Redis", "connection refused")


def test_figures_name_states_and_no_ids(small_world, small_client):
    ids = populate(small_world)
    ends = small_world.instances.ends.read()
    ended = Counter((end.state, end.workflow) for end in ends)
    small_world.instances.ends.forget(ends)
    answer = small_client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    found = samples(answer.text)
    assert found["headrace_instances", "running"] == 1
    assert {name[1:]: number for name, number in found.items() if name[0] == "headrace_instances_ended_total"} == ended
    assert not any(name in answer.text for name in ids.values())


def test_every_family_is_there_and_no_other(small_world):
    populate(small_world)
    small_world.instances.ends.forget(small_world.instances.ends.read())
    assert {name for name, *_ in samples(exposition(small_world.services))} == set(FAMILIES)


def test_what_an_autoscaler_reads(small_world):
    small_world.broker.publisher.publish([Message(queue="gpu", body={"number": n}) for n in range(3)])
    small_world.broker.dramatiq.reading("gpu", 8)
    found = samples(exposition(small_world.services))
    assert found["headrace_queue_messages", "gpu"] == 3
    assert found["headrace_queue_unacknowledged", "gpu"] == 0
    assert 0 <= found["headrace_queue_oldest_message_seconds", "gpu"] < 60
    assert (found["headrace_queue_workers", "gpu"], found["headrace_queue_threads", "gpu"]) == (1, 8)


def test_people_and_syncs_are_seen(small_world):
    populate(small_world)
    found = samples(exposition(small_world.services))
    assert found["headrace_approvals_open",] == 1
    assert abs(found["headrace_sync_last_success_timestamp_seconds", "main"] - time.time()) < 60
    assert found["headrace_sync_failing", "main"] == 1
    assert found["headrace_scheduler_leaders",] == 0


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("broker", {"queue_figures": away}),
        ("instances", {"backlogs": SimpleNamespace(read=away)}),
        ("definitions", {"definitions": SimpleNamespace(syncs=lambda **_: away())}),
    ],
)
def test_a_part_that_is_away_leaves_the_others_figures(small_world, part, change):
    populate(small_world)
    found = samples(exposition(replace(small_world.services, **change)))
    families = {name for name, *_ in found}
    assert {name: found["headrace_up", name] for name in PARTS} == {name: float(name != part) for name in PARTS}
    assert families & set(PARTS.values()) == set(PARTS.values()) - {PARTS[part]}
