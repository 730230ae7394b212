"""The workloads' workflows, in a repository from which the engine loads them as it loads anybody's."""

from __future__ import annotations

from pathlib import Path

from tests.repository import Repository

NOOP = "{uses: python, with: {call: 'engine.adapters.kinds.noop:noop'}"
CHAIN, FAN, HOPS, WIDTH = 10, 100, 40, 1_000
"""Tasks of `chain`, `fanout`, `sequential` and `wide`."""
SECRET_NAME, SECRET = "HOOKS", "a secret of the benchmarks"


def chain(name: str, length: int) -> str:
    """Tasks one after the other."""
    tasks = "".join(f"  t{n}: {NOOP}{f', needs: t{n - 1}' if n else ''}}}\n" for n in range(length))
    return f"name: {name}\ntasks:\n{tasks}"


def fan(name: str, width: int) -> str:
    """Tasks side by side, then one that waits for all."""
    tasks = "".join(f"  t{n}: {NOOP}}}\n" for n in range(width))
    needs = ", ".join(f"t{n}" for n in range(width))
    return f"name: {name}\ntasks:\n{tasks}  join: {NOOP}, needs: [{needs}]}}\n"


PROJECT = f"""webhooks: {{pushes: {{provider: github, secret: {SECRET_NAME}}}}}
secrets: [{SECRET_NAME}]
"""
WIDE = f"""name: wide
tasks:
  each: {{for_each: lists.range({WIDTH}), {NOOP[1:]}}}
  join: {NOOP}, needs: each}}
"""
HOOKED = f"""name: hooked
inputs: {{sha: {{type: string}}}}
on:
  webhook:
    - source: pushes
      events: push
      if: trigger.body.ref == "refs/heads/main"
      inputs: {{sha: "${{{{ trigger.body.after }}}}"}}
tasks:
  build: {NOOP}}}
"""
ITEMS = f"""name: items
inputs: {{items: {{type: array}}}}
tasks:
  each: {{for_each: inputs.items, {NOOP[1:]}}}
"""
BOUNDED = ITEMS.replace("items\n", "bounded\n", 1).replace("inputs.items,", "inputs.items, max_parallel: 64,")
ITERATIONS = f"""name: iterations
inputs: {{times: {{type: integer}}}}
tasks:
  again: {{repeat: {{while: iteration <= inputs.times, max_iterations: 10001}}, {NOOP[1:]}}}
"""
PERFORMED = """name: performed
inputs: {items: {type: array}, seconds: {type: number}}
tasks:
  each:
    for_each: inputs.items
    uses: python
    with:
      call: tests.faults.shares:perform
      args: {key: "${{ instance.id }}/${{ item }}", seconds: "${{ inputs.seconds }}"}
"""

TEXTS = {
    "chain": chain("chain", CHAIN),
    "sequential": chain("sequential", HOPS),
    "fanout": fan("fanout", FAN),
    "latency": chain("latency", 1),
    "items": ITEMS,
    "bounded": BOUNDED,
    "iterations": ITERATIONS,
    "wide": WIDE,
    "hooked": HOOKED,
    "performed": PERFORMED,
}


def repository(at: Path) -> Path:
    """A git repository with all of them."""
    made = Repository(at)
    made.commit(project=PROJECT, **TEXTS)
    return made.at
