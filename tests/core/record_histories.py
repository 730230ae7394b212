"""Records what nested workflows lived through: `python -m tests.core.record_histories`, once for each version that is kept.

A later engine has to come to the same states when it takes the same events (`test_histories.py`). Only add to the recorded
files; record one anew where a decision record says that states change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from engine.core.codec import definition_to_json
from tests.core.nest import Nest

FOLDER = Path(__file__).parent / "histories"


def saga() -> Nest:
    """Fails late, undoes over nested scopes, is retried and succeeds."""
    nest = Nest(
        """
tasks:
  book: {ACT, compensate: {ACT}}
  rooms:
    needs: book
    for_each: ["a", "b", "c"]
    key: item
    max_parallel: 2
    tasks:
      hold: {ACT, compensate: {ACT}}
      pay: {needs: hold, ACT}
    outputs: {room: "${{ item }}"}
  confirm: {needs: rooms, ACT}
outputs: {rooms: "${{ tasks.rooms.outputs }}"}
finally: {tell: {ACT}}
"""
    )
    nest.succeed(
        "book", "rooms[b]/hold", "rooms[a]/hold", "rooms[a]/pay", "rooms[b]/pay", "rooms[c]/hold", "rooms[c]/pay"
    )
    nest.fail("confirm")
    nest.undoing()
    nest.succeed("finally/tell")
    nest.retry()
    _all_succeed(nest)
    return nest


def polling() -> Nest:
    """Repeats with pauses in a group, is paused and resumed, and one attempt is tried again."""
    nest = Nest(
        """
tasks:
  g:
    timeout: 1h
    tasks:
      poll: {repeat: {until: 'outputs.?ready.orValue(false)', delay: 10s, max_iterations: 5}, ACT}
      use: {needs: poll, ACT, retry: {max_attempts: 2, delay: 5s}}
  choose: {needs: g, switch: {many: "tasks.g.outcome == 'failed'", few: otherwise}}
  last: {needs: choose.few, ACT}
"""
    )
    nest.succeed("g/poll#1")
    nest.pause()
    nest.pass_(20_000)
    nest.resume()
    nest.succeed("g/poll#2", outputs={"ready": True})
    nest.fail("g/use")
    nest.pass_(6_000)
    nest.succeed("g/use", "last")
    return nest


def cancelled() -> Nest:
    """Cancelled three scopes deep while tasks run, wait and are undone, and retried."""
    nest = Nest(
        """
tasks:
  outer:
    for_each: [1, 2]
    tasks:
      inner: {repeat: {until: iteration == 2, max_iterations: 3}, tasks: {a: {ACT, compensate: {ACT}}, b: {needs: a, ACT}}}
      w: {uses: wait, with: {for: 1h}}
  side: {tasks: {c: {ACT}}}
finally: {x: {for_each: [1, 2], ACT}}
"""
    )
    nest.begun("outer[0]/inner#1/a")
    nest.succeed("outer[0]/inner#1/a", "outer[0]/inner#1/b", "outer[0]/inner#2/a", "side/c")
    nest.cancel()
    nest.stopped("outer[0]/inner#2/b", "outer[1]/inner#1/a")
    nest.undoing()
    nest.fail("finally/x[0]")
    nest.succeed("finally/x[1]")
    nest.retry()
    _all_succeed(nest)
    return nest


def quorum() -> Nest:
    """`enough`, `cancel_rest`, `exit` and `fail_fast` end scopes before their time."""
    nest = Nest(
        """
tasks:
  votes: {for_each: [1, 2, 3, 4], enough: 2, tasks: {vote: {ACT}}}
  early: {for_each: [1, 2, 3], enough: 1, rest: run_on, ACT}
  slow: {tasks: {s: {ACT}}}
  first: {needs: [votes, slow], join: any, cancel_rest: true, ACT}
  strict: {fail_fast: true, tasks: {d: {ACT}, e: {ACT}}}
  mend: {needs: strict.failed, tasks: {out: {uses: exit, with: {state: cancelled, scope: instance}}}}
"""
    )
    nest.succeed("votes[1]/vote", "votes[3]/vote")
    nest.stopped("votes[0]/vote", "votes[2]/vote", "slow/s")
    nest.succeed("early[2]")
    nest.fail("early[0]")
    nest.fail("strict/d")
    nest.stopped("strict/e")
    while nest.told_to_stop:
        nest.stopped(*nest.told_to_stop)
    return nest


STORIES: tuple[Callable[[], Nest], ...] = (saga, polling, cancelled, quorum)


def recorded(nest: Nest) -> dict[str, Any]:
    """All that a replay needs, and what it has to come to."""
    return {
        "definition": definition_to_json(nest.definition),
        "context": {
            name: value for name, value in asdict(nest.start).items() if name in ("instance", "inputs", "trigger")
        },
        "history": nest.history,
        "scopes": nest.scopes,
    }


def _all_succeed(nest: Nest) -> None:
    while not nest.over:
        nest.succeed(*nest.asked)
        nest.pass_(3_600_000 if not nest.asked and not nest.over else 0)


def main() -> None:
    for story in STORIES:
        nest = story()
        nest.check_end()
        file = FOLDER / f"{story.__name__}.json"
        file.write_bytes(orjson.dumps(recorded(nest), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")


if __name__ == "__main__":
    main()
