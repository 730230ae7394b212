"""Workflows that are run while something breaks, with what a run of them must have done in the end."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple


class Load(NamedTuple):
    """`tasks` of one run are carried out by workers, and so end with a completion each."""

    name: str
    text: str
    tasks: int


PROJECT = """\
webhooks:
  github: {provider: github, secret: GITHUB_WEBHOOK_SECRET}
secrets: [GITHUB_WEBHOOK_SECRET]
"""

ON_PUSH = "on:\n  webhook: [{source: github, events: [push]}]\n"
TASK = "  t{number}: {{needs: [{needs}], uses: python, with: {{call: 'tests.faults.loads:nap', args: {{seconds: {seconds}}}}}}}\n"


def nap(seconds: float) -> None:
    """What the tasks of `dag` do."""
    time.sleep(seconds)


def dag(tasks: int, *, seconds: float = 0.0) -> Load:
    """Tasks that fan out by two and meet in the last one, started by a push or through the API."""
    lines = []
    for number in range(tasks):
        needs = [(number - 1) // 2] if number < tasks - 1 else range(max(0, number // 2 - 1), number)
        named = ", ".join(f"t{need}" for need in needs if number)
        lines.append(TASK.format(number=number, needs=named, seconds=seconds))
    return Load("dag", f"name: dag\n{ON_PUSH}tasks:\n{''.join(lines)}", tasks)


def mixed(ran: Path, *, seconds: float) -> Load:
    """A long script that writes down each time it is run, a task that fails once, a wait, and a last one after all of them."""
    return Load(
        "mixed",
        f"""\
name: mixed
tasks:
  long: {{run: 'echo $HEADRACE_IDEMPOTENCY_KEY $HEADRACE_ATTEMPT >> {ran}; sleep {seconds}'}}
  flaky: {{run: 'test $HEADRACE_ATTEMPT -ge 2', retry: {{max_attempts: 5, delay: 2s}}}}
  pause: {{uses: wait, with: {{for: 3s}}}}
  after: {{needs: [long, flaky, pause], uses: values, with: {{done: true}}}}
finally:
  last: {{run: 'true'}}
""",
        3,
    )
