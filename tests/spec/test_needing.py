"""An expression that reads what its task does not wait for comes with the edit that lets it wait."""

import pytest

from engine.lint.fixing import edited
from engine.lint.linter import lint

READ = 'env: {V: "${{ tasks.build.outputs.v }}"}'
BUILD = "  build: {run: x, outputs: {v: {type: string}}}\n  test: {run: x}\n"
TASKS = [
    ("{run: x, READ}", "{needs: build, run: x, READ}"),
    ("{needs: test, run: x, READ}", "{needs: [test, build], run: x, READ}"),
    ("{needs: test.done, run: x, READ}", "{needs: [test.done, build], run: x, READ}"),
    ("{needs: [test], run: x, READ}", "{needs: [test, build], run: x, READ}"),
    ("\n    run: x\n    READ", "\n    needs: build\n    run: x\n    READ"),
    (
        "\n    READ\n    run: x\n    needs:\n      - test # why",
        "\n    READ\n    run: x\n    needs:\n      - test # why\n      - build",
    ),
    ("{tasks: {inner: {run: x, READ}}}", "{needs: build, tasks: {inner: {run: x, READ}}}"),
    ("{tasks: {build: {run: y, outputs: {v: {type: string}}}, inner: {run: x, READ}}}", None),
]


def found(text):
    return [finding for finding in lint({"w.yaml": text.encode()}) if finding.rule == "not-awaited"]


@pytest.mark.parametrize(("task", "after"), TASKS)
def test_the_task_waits_afterwards(task, after):
    text = f"name: w\ntasks:\n{BUILD}  ship: {task}\n".replace("READ", READ)
    (finding,) = found(text)
    assert not finding.safe
    mended, _ = edited(text, [finding.fixes])
    assert not lint({"w.yaml": mended.encode()})
    wanted = "{tasks: {build: {run: y, outputs: {v: {type: string}}}, inner: {needs: build, run: x, READ}}}"
    assert mended == f"name: w\ntasks:\n{BUILD}  ship: {after or wanted}\n".replace("READ", READ)


@pytest.mark.parametrize(
    "text",
    [
        f"name: w\ntasks:\n  build: {{needs: ship, run: x, outputs: {{v: {{type: string}}}}}}\n  ship: {{run: x, {READ}}}\n",
        f"name: w\ntasks:\n  - {{id: ship, run: x, {READ}}}\n  - {{id: build, run: x, outputs: {{v: {{type: string}}}}}}\n",
        f"name: w\ntasks:\n  group: {{tasks: {{build: {{run: x, outputs: {{v: {{type: string}}}}}}}}}}\n  ship: {{run: x, {READ}}}\n",
        f"name: w\ntasks:\n  a: {{run: x, env: {{X: &n a}}}}\n{BUILD}  ship: {{needs: *n, run: x, {READ}}}\n",
    ],
    ids=["would be a cycle", "a list", "in another list", "an alias"],
)
def test_where_it_cannot_be_done_there_is_no_edit(text):
    (finding,) = found(text)
    assert finding.fixes == ()
