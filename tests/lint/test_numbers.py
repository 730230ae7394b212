"""What rules say of the engine is so."""

from engine.app.triggers import DEEPEST
from engine.lint.linter import lint


def test_how_deep_workflows_start_each_other():
    (finding,) = lint({"w.yaml": b"name: w\ntasks: {again: {workflow: w}}\n"})
    assert finding.message.endswith(f"at a depth of {DEEPEST}")
