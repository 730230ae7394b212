"""A workflow for each construct of the language, every one of them under way for a while, with the end that it must come to."""

from __future__ import annotations

from typing import Any

SLOW = "{run: 'echo $HEADRACE_IDEMPOTENCY_KEY >> RAN; sleep 1.5'}"
SLOW_AND_FAILS = "{run: 'sleep 1.5; exit 3'}"

TEXTS: dict[str, str] = {
    "grouped": f"""
tasks:
  build:
    tasks:
      compile: {SLOW}
      test: {{needs: compile, uses: values, with: {{ok: true}}}}
    outputs: {{ok: "${{{{ tasks.test.outputs.ok }}}}"}}
outputs: {{ok: "${{{{ tasks.build.outputs.ok }}}}"}}
""",
    "mapped": f"""
tasks:
  each:
    for_each: ['a', 'b', 'c', 'd']
    key: item
    max_parallel: 2
    outputs: {{name: "${{{{ item }}}}"}}
    tasks:
      work: {SLOW}
outputs: {{names: "${{{{ tasks.each.outputs }}}}"}}
""",
    "repeated": f"""
tasks:
  poll:
    repeat: {{until: iteration >= 3, max_iterations: 5, delay: 200ms}}
    outputs: {{n: "${{{{ iteration }}}}"}}
    tasks:
      work: {SLOW}
outputs: {{n: "${{{{ tasks.poll.outputs.n }}}}"}}
""",
    "nested": f"""
tasks:
  each:
    for_each: [1, 2]
    tasks:
      again:
        repeat: {{until: iteration >= 2, max_iterations: 3}}
        tasks:
          inner:
            tasks: {{work: {SLOW}}}
""",
    "decided": f"""
tasks:
  first: {SLOW}
  choose: {{needs: first, switch: {{yes: "true", no: otherwise}}}}
  left: {{needs: choose.yes, uses: values, with: {{}}}}
  right: {{needs: choose.no, uses: fail, with: {{message: never}}}}
""",
    "undone": f"""
tasks:
  reserve: {{run: 'true', compensate: {SLOW}}}
  pay: {{needs: reserve, run: 'true', compensate: {SLOW}}}
  ship: {{needs: pay, run: 'exit 3'}}
finally:
  tell: {SLOW}
""",
    "handled": f"""
tasks:
  risky: {SLOW_AND_FAILS}
  mend: {{needs: risky.failed, uses: values, with: {{}}}}
  lenient: {{continue_on_error: true, run: 'sleep 1.5; exit 3'}}
  after: {{needs: lenient, uses: values, with: {{}}}}
""",
    "left": f"""
tasks:
  side: {{run: 'sleep 60'}}
  work: {SLOW}
  out: {{needs: work, uses: exit, with: {{state: succeeded}}}}
""",
    "raced": f"""
tasks:
  fast: {SLOW}
  slow: {{run: 'sleep 60'}}
  first: {{needs: [fast, slow], join: any, cancel_rest: true, uses: values, with: {{}}}}
""",
    "enough": """
tasks:
  each:
    for_each: [1.5, 1.5, 60]
    enough: 2
    rest: cancel
    run: sleep $LONG
    env: {LONG: "${{ item }}"}
""",
    "fast-failing": f"""
fail_fast: true
tasks:
  bad: {SLOW_AND_FAILS}
  long: {{run: 'sleep 60'}}
""",
    "retried": """
tasks:
  flaky: {run: 'sleep 1; test $HEADRACE_ATTEMPT -ge 2', retry: {max_attempts: 3, delay: 1s}}
""",
    "waited": """
tasks:
  pause: {uses: wait, with: {for: 2s}}
  after: {needs: pause, run: 'true'}
""",
    "caller": """
tasks:
  child: {workflow: grouped, with: {}}
outputs: {ok: "${{ tasks.child.outputs.ok }}"}
""",
    "queued-up": f"""
concurrency: {{group: one-at-a-time, limit: 1}}
tasks: {{work: {SLOW}}}
""",
    "heard": f"""
tasks:
  work: {SLOW}
  say: {{needs: work, uses: emit, with: {{type: work.done, body: {{n: 1}}}}}}
  hear: {{uses: event, with: {{type: work.done, match: event.body.n == 1, timeout: 2m}}}}
outputs: {{n: "${{{{ tasks.hear.outputs.body.n }}}}"}}
""",
    "filed": """
tasks:
  make: {run: 'sleep 1.5; echo hello > word.txt', artifacts: {out: {word: word.txt}}}
  use: {needs: make, run: 'test "$(cat word.txt)" = hello', artifacts: {in: [make.word]}}
""",
    "limited": """
tasks:
  each: {for_each: [1, 2, 3], run: 'true', rate_limit: {group: three, limit: 1, per: 1s}}
""",
    "remembered": """
tasks:
  make:
    run: 'sleep 1.5; echo n=1 >> "$HEADRACE_OUTPUT"'
    outputs: {n: {type: integer}}
    cache: {key: always}
outputs: {n: "${{ tasks.make.outputs.n }}"}
""",
}

ENDS: dict[str, tuple[str, Any]] = {
    "grouped": ("succeeded", {"ok": True}),
    "mapped": ("succeeded", {"names": [{"name": name} for name in "abcd"]}),
    "repeated": ("succeeded", {"n": 3}),
    "undone": ("failed", None),
    "fast-failing": ("failed", None),
    "caller": ("succeeded", {"ok": True}),
    "heard": ("succeeded", {"n": 1}),
    "remembered": ("succeeded", {"n": 1}),
}
"""Those that do not just succeed with no outputs."""


def text(name: str, ran: str) -> str:
    """The file of one workflow, whose slow tasks say in the file `ran` that they were carried out."""
    return f"name: {name}{TEXTS[name].replace('RAN', ran)}"


def end(name: str) -> tuple[str, Any]:
    """The state and the outputs that an instance must end with."""
    return ENDS.get(name, ("succeeded", {}))
