"""Holds what came of a case against what it expects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.core.durations import text
from engine.core.keys import split_path
from engine.core.state import ScopeFailure, TaskRun
from engine.core.values import Json
from engine.simulate.difference import differences, shown
from engine.simulate.instance import Simulated
from engine.simulate.timeline import reason, why
from engine.simulate.world import TESTED, World
from engine.spec.case_models import ExpectKeys, SpanKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A case that has come to its end. `took` in milliseconds of virtual time."""

    world: World
    took: int

    @property
    def instance(self) -> Simulated:
        """The one that is tested."""
        return self.world.instances[TESTED]

    @property
    def failures(self) -> list[ScopeFailure]:
        """Those nobody handled, and what ended the instance itself."""
        root = self.instance.root
        own: list[ScopeFailure] = []
        if "error" in root:
            own.append({"path": "", "outcome": "failed", "error": root["error"]})
        return [*own, *(failure for failure in root.get("failures", []) if failure["path"] or not own)]

    @property
    def ended(self) -> list[str]:
        """The paths of tasks in the order in which they ended; once more for one that was run again."""
        return [moment.path for moment in self.world.moments if not moment.note]

    def task(self, path: str) -> TaskRun | None:
        """The task at this path, of the instance or of one that it called; None if its scope never came to be."""
        for instance in reversed(self.world.instances.values()):
            inner = path.removeprefix(f"{instance.prefix}/") if instance.prefix else path
            if inner != path or not instance.prefix:
                scope, name = split_path(inner)
                state = instance.scopes.get(scope)
                if state is not None and name in state["tasks"]:
                    return state["tasks"][name]
        return None


def refusal_misses(expect: ExpectKeys, said: str) -> tuple[str, ...]:
    """No instance was started."""
    if expect.refused is None:
        return (f"no instance was started: {said}",)
    return () if expect.refused in said else (f'expected a refusal with "{expect.refused}", and it says: {said}',)


def misses(expect: ExpectKeys, played: Played) -> Iterator[str]:
    """Every expectation that does not hold, in words."""
    root = played.instance.root
    state = root.get("outcome", played.instance.state)
    if expect.state is not None and state != expect.state:
        yield f"expected the instance to end {expect.state}, and it ended {state}{_told(played.failures)}"
    yield from _tasks(expect, played)
    yield from _order(expect.order, played.ended)
    if expect.outputs is not None:
        yield from differences(expect.outputs, root.get("outputs"), "outputs", exact=True)
    yield from _given(expect.inputs, played.world.given)
    yield from _messages(expect.messages, played.world.messages)
    if expect.error is not None and not _mentions(played.failures, expect.error):
        yield f'expected a failure with "{expect.error}"{_told(played.failures) or ", and there is none"}'
    yield from _duration(expect.duration, played.took)


def _tasks(expect: ExpectKeys, played: Played) -> Iterator[str]:
    for path, outcome in expect.outcomes.items():
        run = played.task(path)
        got = run["state"] if run else "pending"
        if got != outcome:
            yield f"expected {path} to end {outcome}, and it is {got}{why(run) if run else ''}"
    for path, attempts in expect.attempts.items():
        run = played.task(path)
        made = run["attempt"] if run else 0
        if made != attempts:
            yield f"expected {attempts} attempts of {path}, and there were {made}"
    for path, wanted in expect.skipped.items():
        run = played.task(path)
        if run is None or "skipped" not in run:
            yield f"expected {path} to be skipped, and it is {run['state'] if run else 'pending'}"
        elif wanted not in reason(run["skipped"]):
            yield f'expected {path} to be skipped because of "{wanted}", and it was: {reason(run["skipped"])}'


def _given(wanted: Mapping[str, Json], given: Mapping[str, Json]) -> Iterator[str]:
    for path, named in wanted.items():
        if path in given:
            yield from differences(named, given[path], f"inputs of {path}")
        else:
            yield f"expected {path} to be given {shown(named)}, and it never ran"


def _duration(span: SpanKeys, took: int) -> Iterator[str]:
    if span.at_least is not None and took < span.at_least:
        yield f"expected it to take at least {text(span.at_least)}, and it took {text(took)}"
    if span.at_most is not None and took > span.at_most:
        yield f"expected it to take at most {text(span.at_most)}, and it took {text(took)}"


def _order(wanted: Sequence[str], ended: list[str]) -> Iterator[str]:
    at = 0
    for path in wanted:
        try:
            at = ended.index(path, at) + 1
        except ValueError:
            yield f"expected the order {', '.join(wanted)}, and it was {', '.join(ended)}"
            return


def _messages(wanted: Sequence[Json] | None, sent: Sequence[Json]) -> Iterator[str]:
    if wanted is None:
        return
    if len(wanted) != len(sent):
        yield f"expected {len(wanted)} messages, and {len(sent)} were sent: {shown(list(sent))}"
        return
    for number, (one, other) in enumerate(zip(wanted, sent, strict=True), 1):
        yield from differences(one, other, f"message {number}")


def _told(failures: Sequence[ScopeFailure]) -> str:
    told = [
        f"{failure['path'] or 'the workflow'} {failure['outcome']}"
        + (f" ({failure['error']['kind']}: {failure['error']['message']})" if "error" in failure else "")
        for failure in failures
    ]
    return f"; failures: {'; '.join(told)}" if told else ""


def _mentions(failures: Sequence[ScopeFailure], text_: str) -> bool:
    errors = [failure["error"] for failure in failures if "error" in failure]
    return any(text_ == error["kind"] or text_ in error["message"] for error in errors)
