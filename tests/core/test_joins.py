"""The truth table of joins, whole for three edges, against a second reading of LANGUAGE."""

from __future__ import annotations

from itertools import product

import pytest

from engine.core.joins import join, skip_reason
from engine.core.model import Edge, Join, Task
from engine.core.state import TaskRun
from tests.core import reference

STATES = ("pending", "queued", "waiting", "succeeded", "failed", "skipped", "cancelled", "approved", "rejected")
LABELS = ("succeeded", "failed", "skipped", "done", "rejected")
SOURCES = ("a", "b", "b")  # two edges from one source as well: `needs: [b.failed, b.rejected]`
TASKS = {name: Task(id=name, kind="http") for name in "abc"}


@pytest.mark.parametrize(
    "rule",
    [
        Join(mode="all"),
        Join(mode="any"),
        Join(mode="merge"),
        Join(mode="at_least", n=1),
        Join(mode="at_least", n=2),
        Join(mode="at_least", n=4),
    ],
    ids=lambda rule: f"{rule.mode}{rule.n}",
)
def test_every_combination_of_three_edges_agrees_with_the_reference(rule):
    for labels, states in product(product(LABELS, repeat=3), product(STATES, repeat=2)):
        edges = tuple(Edge(source=source, outcome=label) for source, label in zip(SOURCES, labels, strict=True))
        task = Task(id="t", kind="http", edges=edges, join=rule)
        by_source = dict(zip("ab", states, strict=True))
        runs: dict[str, TaskRun] = {
            name: {"state": state, "attempt": 1} for name, state in by_source.items() if state != "pending"
        }
        outcomes = {name: state for name, state in by_source.items() if state not in ("pending", "queued", "waiting")}
        expected = {"runs": True, "skipped": False, "open": None}[reference.verdict(task, outcomes)]
        assert join(task, TASKS, runs) is expected, (labels, states)
        if expected is False:
            reason = skip_reason(task, TASKS, runs)
            if "edge" not in reason:
                assert rule.n > len(edges)
                continue
            source, _, label = reason["edge"].partition(".")
            assert not reference.edge_satisfied(Edge(source=source, outcome=label), outcomes[source])
            assert reason["got"] == outcomes[source]


def test_merge_blames_the_negative_source_before_one_that_was_skipped():
    edges = (
        Edge(source="a", outcome="succeeded"),
        Edge(source="b", outcome="succeeded"),
        Edge(source="c", outcome="succeeded"),
    )
    task = Task(id="t", kind="http", edges=edges, join=Join(mode="merge"))
    runs: dict[str, TaskRun] = {
        name: {"state": state, "attempt": 1}
        for name, state in zip("abc", ("skipped", "failed", "succeeded"), strict=True)
    }
    assert join(task, TASKS, runs) is False
    assert skip_reason(task, TASKS, runs) == {"cause": "edge", "edge": "b.succeeded", "got": "failed"}
