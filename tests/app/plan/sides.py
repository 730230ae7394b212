"""Sets of files as sides of a comparison."""

from engine.app.plan.compare import compare
from engine.app.plan.snapshot import of_files
from engine.spec.load import load

NOW = 1_790_000_000_000
"""2026-09-21T14:13:20Z."""


def side(name="a", **texts):
    """A snapshot of workflows by name (their `name:` is added) and of `project`."""
    named = {key.replace("_", "-"): text for key, text in texts.items()}
    files = {
        f"workflows/{key}.yaml": (text if key == "project" else f"name: {key}\n{text}").encode()
        for key, text in named.items()
    }
    return of_files(name, load(files))


def planned(before, after, **options):
    """The plan from one to the other, each a map of texts."""
    return compare(side("a", **before), side("b", **after), now=NOW, **options)


def keys(changes):
    """What is told, as (key, before, after)."""
    return [(one.key, one.before, one.after) for one in changes]
