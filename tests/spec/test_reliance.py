"""What a task can rely on, held against every way a small graph can go."""

from itertools import product

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from engine.core.model import Edge
from engine.spec.reliance import Reliance
from engine.spec.task_models import TaskKeys, TaskMap

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


def at_end(text):
    """Which tasks the outputs of a workflow can rely on."""
    definition = yaml.safe_load(text)
    tasks = TypeAdapter(TaskMap).validate_python(definition)
    edges = {
        name: [Edge(source=need, outcome="succeeded", lenient=tasks[need].continue_on_error) for need in task.needs]
        for name, task in tasks.items()
    }
    reliance = Reliance(tasks, edges, list(tasks))
    return {name for name in tasks if reliance.proves_at_end(name)}


def test_a_failure_that_is_tolerated_proves_nothing():
    assert at_end("{a: {run: x, continue_on_error: true}, b: {needs: [a], run: x}, c: {run: x}}") == {"c"}


def test_what_can_be_cancelled_by_a_join_is_not_sure():
    text = "{a: {run: x}, b: {run: x}, c: {needs: [a, b], join: any, cancel_rest: %s, run: x}, d: {run: x}}"
    assert at_end(text % "false") == {"a", "b", "c", "d"}
    assert at_end(text % "true") == {"d"}


@pytest.mark.parametrize(
    ("exit", "sure"),
    [
        ("uses: exit, with: {state: succeeded}", {"a"}),
        ("uses: exit, with: {state: '${{ inputs.s }}'}", {"a"}),
        ("uses: exit, with: {state: failed}", {"a", "b", "e"}),
        ("tasks: {f: {uses: exit, with: {state: succeeded}}}", {"a", "b", "e"}),
        ("tasks: {f: {uses: exit, with: {state: succeeded, scope: instance}}}", {"a"}),
        ("for_each: [1], uses: exit, with: {state: succeeded}", {"a", "b", "e"}),
        ("for_each: [1], uses: exit, with: {state: succeeded, scope: instance}", {"a"}),
    ],
)
def test_after_an_exit_only_what_it_waited_for_is_sure(exit, sure):
    assert at_end(f"{{a: {{run: x}}, b: {{run: x}}, e: {{needs: [a], {exit}}}}}") == sure
