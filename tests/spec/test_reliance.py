"""What a task can rely on, held against every way a small graph can go."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.model import Edge
from engine.spec.reliance import Reliance
from engine.spec.task_models import TaskKeys

NAMES = ["a", "b", "c", "d"]
LABELS = ["succeeded", "failed", "skipped", "done"]


@st.composite
def graphs(draw):
    edges, tasks = {}, {}
    for index, name in enumerate(NAMES):
        pairs = draw(
            st.lists(
                st.tuples(st.sampled_from(NAMES[:index] or [""]), st.sampled_from(LABELS)), max_size=3, unique=True
            )
        )
        edges[name] = [Edge(source=source, outcome=label) for source, label in pairs if source]
        forms = [
            "all",
            *(["any", "merge"] if edges[name] else []),
            *({"at_least": n + 1} for n in range(len(edges[name]))),
        ]
        condition = {"if": "x"} if draw(st.booleans()) else {}
        tasks[name] = TaskKeys(run="x", join=draw(st.sampled_from(forms)), **condition)
    return tasks, edges


def satisfied(edge, outcomes):
    outcome = outcomes.get(edge.source)
    return outcome is not None and edge.outcome in (outcome, "done")


def may_run(join, edges, outcomes):
    """Whether the task can run at a moment when the tasks in `outcomes` have ended and no others."""
    count = sum(satisfied(edge, outcomes) for edge in edges)
    if join.mode == "merge":
        return bool(edges) and all(edge.source in outcomes for edge in edges) and count >= 1
    return count >= {"all": len(edges), "any": 1, "at_least": join.n}[join.mode]


def moments(tasks, edges):
    """Every (task that starts, outcomes known then): outcomes come in any order, each task succeeds or fails, or is skipped."""
    seen, left = set(), [()]
    while left:
        done = left.pop()
        if done in seen:
            continue
        seen.add(done)
        outcomes = dict(done)
        for name in NAMES:
            if name in outcomes:
                continue
            results = []
            if may_run(tasks[name].join, edges[name], outcomes):
                yield name, outcomes
                results = ["succeeded", "failed"] + (["skipped"] if tasks[name].if_ else [])
            elif edges[name] and any(edge.source in outcomes and not satisfied(edge, outcomes) for edge in edges[name]):
                results = ["skipped"]
            left += [tuple(sorted([*done, (name, result)])) for result in results]


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_nothing_is_proved_that_can_be_otherwise(graph):
    tasks, edges = graph
    reliance = Reliance(tasks, edges, NAMES)
    for (name, outcomes), other in product(moments(tasks, edges), NAMES):
        if reliance.proves(name, other):
            assert outcomes.get(other) == "succeeded"
        if reliance.fails(name, other):
            assert outcomes.get(other) == "failed"
        if reliance.settles(name, other):
            assert other in outcomes
        assert other != name or not reliance.awaits(name, other)


def test_plain_needs_prove_everything_before():
    tasks = {name: TaskKeys(run="x") for name in NAMES}
    edges = {
        name: [Edge(source=before, outcome="succeeded")] if before else []
        for before, name in zip(["", *NAMES], NAMES, strict=False)
    }
    reliance = Reliance(tasks, edges, NAMES)
    assert all(reliance.proves("d", name) for name in "abc")
    assert all(reliance.proves_at_end(name) for name in NAMES)
    assert reliance.before("c") == ["a", "b"]
