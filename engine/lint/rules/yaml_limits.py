"""Found by the loader: the file is too large, too deep or has too many parts."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="yaml-limits",
    summary="The file is too large, too deep or has too many parts.",
    severity="error",
    why=(
        "A file may have 256 KiB, 50 levels, 20,000 YAML elements and aliases that stand for 10,000 values. No "
        "workflow needs more, and larger files are how YAML parsers are brought down."
    ),
    before="""\
name: bad
tasks: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]
""",
    after="""\
name: good
tasks:
  build: {run: make}
""",
)
