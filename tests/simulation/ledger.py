"""What the world outside knows for itself: what it was promised, and what was really done. The system is held against it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from engine.app.kinds import Call, Failed, Stopped
from engine.core.values import JsonObject
from tests.simulation.kernel import MS, running


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One attempt that was carried out to its end, by this process."""

    attempt: int
    outcome: str
    process: str


@dataclass(slots=True)
class Ledger:
    """Kept outside the system, in the order of the events."""

    starts: dict[str, str | None] = field(default_factory=dict)
    """Start key to the instance that was promised."""
    decided: dict[tuple[str, str], str] = field(default_factory=dict)
    """Approval and person to the decision that was acknowledged."""
    cancelled: set[str] = field(default_factory=set)
    retried: set[str] = field(default_factory=set)
    events: dict[str, str] = field(default_factory=dict)
    """By id, their types."""
    deliveries: dict[str, str] = field(default_factory=dict)
    """The key of each to the delivery that was acknowledged."""
    done: defaultdict[tuple[str, str], list[Done]] = field(default_factory=lambda: defaultdict(list))
    """Instance and path to what was done there."""
    begun: defaultdict[tuple[str, str], set[int]] = field(default_factory=lambda: defaultdict(set))
    asked: int = 0
    """Requests in quiet times."""
    answered: int = 0


class Work:
    """The kind of all tasks that do something: what becomes of an attempt stands in its parameters."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def run(self, call: Call) -> JsonObject:
        kernel = running()
        place = (call.instance, call.path)
        self._ledger.begun[place].add(call.attempt)
        takes, does = call.params["takes"], call.params["does"]
        late = call.timeout is not None and takes > call.timeout
        if call.stop.wait((call.timeout if late else takes) / 1_000):
            self._end(call, "stopped")
            raise Stopped
        if late:
            self._end(call, "failed")
            raise Failed("timeout", "it took too long")
        before = sum(one.outcome == "failed" for one in self._ledger.done[place])
        if does == "fail" or (does.startswith("flaky") and before < int(does.split()[1])):
            self._end(call, "failed")
            raise Failed("exit", "status 1")
        if does == "raise":
            self._end(call, "failed")
            raise ValueError("nobody foresaw this")
        self._end(call, "succeeded")
        kernel.sleep(kernel.drawn(2) * MS)  # the effect is there, and nobody knows of it yet
        return outputs(call.params)

    def _end(self, call: Call, outcome: str) -> None:
        process = running().task().process.name
        running().note(f"did {call.instance}/{call.path} attempt {call.attempt}: {outcome}")
        self._ledger.done[call.instance, call.path].append(Done(attempt=call.attempt, outcome=outcome, process=process))


def outputs(params: JsonObject) -> JsonObject:
    """What an attempt with these parameters gives."""
    given: JsonObject = {"n": params["n"]}
    return {**given, "text": "x" * 20_000} if params["does"] == "large" else given
