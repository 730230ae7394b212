"""Found by the loader: there is more than one project.yaml."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="second-project",
    summary="There is more than one project.yaml.",
    severity="error",
    why="What workflows share stands in one project.yaml, the one nearest to the root of the folder.",
    before="""\
# nested/project.yaml, with another project.yaml above it
vars: {registry: registry.example.com}
""",
    after="""\
# project.yaml, the only one
vars: {registry: registry.example.com}
""",
)
