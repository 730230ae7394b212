"""What leaves have besides their kind: what undoes them, slots, limits, caches, files."""

import pytest

from engine.core.expressions.model import Literal
from engine.core.model import ArtifactIn, Artifacts
from tests.spec.compiled import compiled, rules, sources


def task(text, before="before: {run: x, artifacts: {out: {app: dist/app, logs: 'logs/*'}}}"):
    return compiled(f"tasks:\n  {before}\n  t: {text}\n").tasks.tasks["t"]


def test_what_undoes_a_leaf_is_a_list_of_one():
    found = task("""
    run: x
    env: {A: b}
    outputs: {id: {type: string}}
    compensate: {run: y, shell: sh, env: {ID: "${{ outputs.id }}", S: "${{ secrets.TOKEN }}", T: "${{ tasks.t.outputs.id }}"}}
""")
    assert found.undoable
    undo = found.compensate.tasks[""]
    assert (undo.id, undo.kind, undo.params) == ("", "script", Literal(value={"script": "y", "shell": "sh"}))
    assert sources(undo.env) == ["outputs.id", "secrets.TOKEN", "tasks.t.outputs.id"]


def test_what_undoes_gets_the_defaults():
    definition = compiled("""
defaults: {timeout: 1m, deadline: 1h, retry: {max_attempts: 3}, queue: big}
tasks:
  a: {run: x, timeout: 5s, compensate: {run: y}}
  b: {uses: approval, with: {message: m, approvers: ana, expires: 1h}, compensate: {run: y, timeout: 2s, retry: {max_attempts: 1}}}
  c: {needs: b.rejected, run: x}
""")
    undo = definition.tasks.tasks["a"].compensate.tasks[""]
    assert (undo.timeout, undo.deadline, undo.retry.max_attempts, undo.queue) == (60_000, 3_600_000, 3, "big")
    undo = definition.tasks.tasks["b"].compensate.tasks[""]
    assert (undo.timeout, undo.retry.max_attempts) == (2_000, 1)


def test_each_item_is_undone_or_the_whole_of_a_group():
    leaf = task(
        "{for_each: [1], run: x, outputs: {v: {}}, compensate: {run: y, env: {A: '${{ item }}${{ outputs.v }}'}}}"
    )
    assert leaf.compensate is None
    assert leaf.body.tasks[""].compensate is not None
    group = task("{tasks: {a: {run: x}}, outputs: {v: 1}, compensate: {run: y, env: {A: '${{ outputs.v }}'}}}")
    assert group.compensate is not None
    assert rules(
        "tasks: {t: {for_each: [1], tasks: {a: {run: x}}, compensate: {run: y, env: {A: '${{ item }}'}}}}"
    ) == ["unknown-name"]


def test_a_call_is_undone_by_its_own_compensation():
    assert task("{workflow: w, compensate: {run: y}}").compensate.tasks[""].kind == "script"


def test_slots_and_limits():
    found = task("""
    run: x
    concurrency: {group: "db-${{ instance.workflow }}", limit: 2, when_full: reject, hold_while_waiting: true}
    rate_limit: {group: api, limit: 10, per: 1m}
    cache: {key: "${{ vars.sha }}", ttl: 1d}
""")
    assert sources(found.concurrency.group) == ["instance.workflow"]
    assert (found.concurrency.limit, found.concurrency.when_full, found.concurrency.hold_while_waiting) == (
        2,
        "reject",
        True,
    )
    assert (found.rate_limit.group, found.rate_limit.limit, found.rate_limit.per) == (Literal(value="api"), 10, 60_000)
    assert (sources(found.cache.key), found.cache.ttl) == (["vars.sha"], 86_400_000)
    assert ("vars", "sha") in found.reads


def test_a_workflow_has_slots_and_fails_fast():
    definition = compiled(
        "inputs: {s: {}}\nconcurrency: {group: 'r-${{ inputs.s }}', when_full: cancel_running}\nfail_fast: true\ntasks: {t: {run: x}}"
    )
    assert (sources(definition.concurrency.group), definition.concurrency.when_full) == (["inputs.s"], "cancel_running")
    assert (definition.tasks.fail_fast, definition.finally_.fail_fast) == (True, False)
    assert rules("concurrency: {group: '${{ instance.id }}'}\ntasks: {t: {run: x}}") == ["unknown-name"]


def test_files_are_taken_and_left():
    found = task("{needs: before, run: x, artifacts: {in: [before.app, before], out: [dist/My-App.tar.gz]}}")
    assert found.artifacts == Artifacts(
        in_=(ArtifactIn(task="before", name="app", to="."), ArtifactIn(task="before", name="", to=".")),
        out={"my_app_tar": "dist/My-App.tar.gz"},
    )
    found = task("{needs: before, uses: container, with: {image: x}, artifacts: {in: {in/app: before.app}}}")
    assert found.artifacts.in_ == (ArtifactIn(task="before", name="app", to="in/app"),)


def test_files_come_from_what_a_task_around_waits_for():
    text = "tasks:\n  a: {run: x, artifacts: {out: [f]}}\n  g: {%s tasks: {b: {run: x, artifacts: {in: [a.f]}}}}\n"
    assert rules(text % "needs: a,") == []
    assert rules(text % "") == ["unknown-artifact"]


def test_an_event_is_matched_by_an_expression_of_its_own():
    found = task("{uses: event, with: {type: paid, match: event.body.n == vars.sha, timeout: 1h, since: now}}")
    assert found.match.source == "event.body.n == vars.sha"
    assert found.params == Literal(value={"type": "paid", "timeout": "1h", "since": "now"})
    assert ("vars", "sha") in found.reads
    assert not any(ref[0] == "event" for ref in found.reads)
    assert task("{uses: event, with: {type: paid}}").match is None


def test_events_have_outcomes_and_outputs_of_their_own():
    text = "tasks:\n  e: {uses: event, with: {type: paid, timeout: 1h}}\n  a: {needs: e, run: x, if: tasks.e.outputs.%s == 1}\n  b: {needs: e.timed_out, run: x}\n"
    assert rules(text % "body.n") == []
    assert rules(text % "boody") == ["unknown-name"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("uses: container, with: {image: a, command: [b], args: [c], pull: never}, env: {A: b}", []),
        ("uses: container, with: {image: a, command: make}, outputs: {v: {}}", []),
        ("uses: container, with: {image: a, command: 3}", ["bad-value"]),
        ("uses: container, with: {image: a, pull: sometimes}", ["bad-value"]),
        ("uses: emit, with: {type: a, body: [1], id: b}", []),
        ("uses: emit, with: {body: 1}", ["missing-key"]),
        ("uses: fail, with: {message: a, kind: too_bad}", []),
        ("uses: fail, with: {message: a, kind: Too bad}", ["bad-value"]),
        ("uses: exit, with: {state: failed, scope: instance}", []),
        ("uses: exit, with: {state: done}", ["bad-value"]),
        ("uses: exit, with: {state: failed}, outputs: {v: {}}", ["misplaced-key"]),
        ("uses: event, with: {type: a, since: ever}", ["bad-value"]),
        ("run: x, priority: -11", ["bad-value"]),
        ("run: x, queue: Big", ["bad-value"]),
        ("run: x, cache: {key: ''}", ["bad-value"]),
        ("run: x, artifacts: {in: x}", ["bad-value"]),
        ("run: x, artifacts: {out: {a: '${{ inputs.a }}'}}", ["bad-value"]),
    ],
)
def test_parameters_are_held_against_their_models(text, expected):
    assert rules(f"tasks: {{t: {{{text}}}}}") == expected
