"""Found by the loader: there is no such task queue in project.yaml."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="unknown-queue",
    summary="There is no such task queue in project.yaml.",
    severity="error",
    why=(
        "A project that has `queues` says which ones workers read; `tasks` is always there. Without `queues` "
        "workflows may name any."
    ),
    before="""\
name: bad
tasks:
  train: {run: ./train, queue: gpus}
""",
    after="""\
name: good
tasks:
  train: {run: ./train, queue: gpu}
""",
)
