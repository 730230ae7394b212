"""What `--fast` leaves out, so that what is left can be run between two edits: the one list of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent

LEFT_OUT = {
    "api/test_document_in_use.py": "calls drawn from the document, to every operation",
    "browser": "a browser looks at every page",
    "ci": "checkouts, git hooks and the action's own steps",
    "cli/test_run.py": "a process for each run",
    "cli/test_run_asking.py": "a process in a terminal for each run",
    "cli/test_run_terminal.py": "a process in a terminal for each run",
    "core/test_scopes_reference.py": "drawn workflows by the hundred",
    "faults": "fleets whose parts are killed",
    "journeys": "fleets, fresh clones",
    "simulation/test_runs.py": "seeds by the hundred",
    "simulation/test_sabotage.py": "seeds by the hundred",
    "spec/test_fuzz.py": "drawn files by the hundred",
    "spec/typing/test_soundness.py": "drawn expressions by the hundred",
    "test_fast.py": "runs of pytest, one after another",
}
"""Folders and files below tests/, each with its reason."""
REPEATED = ("api", "app", "web", "webhooks")
"""Folders of what stands above the databases: what is the same there on both is left out on PostgreSQL. `holds` is whole."""
NAMED = f"{', '.join(LEFT_OUT)}; on PostgreSQL what is repeated there of {', '.join(REPEATED)}"
"""All of it, for people."""


def is_left_out(test: pytest.Item) -> bool:
    """Whether its file is one of them, or in one of them, or it is the repetition on PostgreSQL of one that is kept."""
    callspec = getattr(test, "callspec", None)
    repeated = callspec is not None and callspec.params.get("database_url") == "postgres"
    return _is_in(test.path, LEFT_OUT) or (repeated and _is_in(test.path, REPEATED))


def _is_in(path: Path, places: Iterable[str]) -> bool:
    return any(path.is_relative_to(TESTS / place) for place in places)
