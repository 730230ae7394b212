from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from benchmarks import deliveries, workloads
from benchmarks.stack import sqlite
from benchmarks.workflows import SECRET
from webhooks.providers.github import GitHub


@pytest.fixture(scope="module")
def stack():
    with sqlite(None) as made:
        yield made


@pytest.mark.parametrize(
    ("workload", "metrics"),
    [
        ("chain", {"tasks_per_s"}),
        ("fanout", {"tasks_per_s"}),
        ("sequential", {"total_ms"}),
        ("latency", {"p50_ms", "p99_ms"}),
    ],
)
def test_a_workload_runs_to_its_end(stack, monkeypatch, workload, metrics):
    for size in ("CHAINS", "FANS", "PROBES"):
        monkeypatch.setattr(workloads, size, 2)
    found = workloads.WORKLOADS[workload](stack)
    assert found.keys() == metrics
    assert all(value > 0 for value in found.values())


def test_an_instance_that_does_not_end_well_stops_the_measurement(stack):
    stack.application.canceller.cancel(stack.start("chain", 1)[0], by="test")
    with pytest.raises(SystemExit):
        stack.wait("any")


def test_a_delivery_is_signed():
    head, body = deliveries._delivery().split(b"\r\n\r\n", 1)
    lines = head.decode().split("\r\n")[1:]
    headers = Headers(dict(line.split(": ", 1) for line in lines))
    assert GitHub().genuine(headers, body, [SECRET.encode()])
    assert int(headers["content-length"]) == len(body)


def test_no_delivery_is_a_repeat_of_another():
    assert deliveries._delivery() != deliveries._delivery()
