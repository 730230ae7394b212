"""Holds what came of a simulated instance against what its case expects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.core.durations import text
from engine.core.keys import ROOT, split_path
from engine.core.state import TaskRun
from engine.core.values import Json
from engine.simulate.instance import Simulated
from engine.simulate.outside import Outside
from engine.spec.case_models import ExpectKeys, SpanKeys


def refusal_misses(expect: ExpectKeys, why: str) -> tuple[str, ...]:
    """No instance was started."""
    if expect.refused is None:
        return (f"no instance was started: {why}",)
    return () if expect.refused in why else (f"expected a refusal with {expect.refused!r}, and it says: {why}",)


def misses(expect: ExpectKeys, instance: Simulated, outside: Outside, took: int) -> Iterator[str]:
    """Every expectation that does not hold, in words."""
    root = instance.scopes[ROOT]
    state = root.get("outcome", instance.state)
    if expect.state is not None and state != expect.state:
        yield f"expected the instance to end {expect.state}, and it ended {state}{_failures(instance)}"
    yield from _tasks(expect, instance)
    yield from _order(expect.order, instance.ended)
    if expect.outputs is not None and root.get("outputs") != expect.outputs:
        yield f"expected the outputs {expect.outputs}, and they are {root.get('outputs')}"
    yield from _given(expect.inputs, outside.given)
    yield from _messages(expect.messages, outside.messages)
    if expect.error is not None and not _mentions(instance, expect.error):
        yield f"expected a failure with {expect.error!r}{_failures(instance) or ', and there is none'}"
    yield from _duration(expect.duration, took)


def _tasks(expect: ExpectKeys, instance: Simulated) -> Iterator[str]:
    for path, outcome in expect.outcomes.items():
        run = _run(instance, path)
        got = run["state"] if run else "pending"
        if got != outcome:
            yield f"expected {path} to end {outcome}, and it is {got}{_why(run)}"
    for path, attempts in expect.attempts.items():
        run = _run(instance, path)
        made = run["attempt"] if run else 0
        if made != attempts:
            yield f"expected {attempts} attempts of {path}, and there were {made}"


def _given(wanted: Mapping[str, Json], given: Mapping[str, Json]) -> Iterator[str]:
    for path, named in wanted.items():
        if path not in given:
            yield f"expected {path} to be given {named}, and it never ran"
        elif not within(named, given[path]):
            yield f"expected {path} to be given {named}, and it was given {given[path]}"


def _duration(span: SpanKeys, took: int) -> Iterator[str]:
    if span.at_least is not None and took < span.at_least:
        yield f"expected it to take at least {text(span.at_least)}, and it took {text(took)}"
    if span.at_most is not None and took > span.at_most:
        yield f"expected it to take at most {text(span.at_most)}, and it took {text(took)}"


def within(wanted: Json, got: Json) -> bool:
    """Whether `got` has all that `wanted` names: maps as far as their keys go, all else to the letter."""
    if isinstance(wanted, dict):
        return isinstance(got, dict) and all(key in got and within(value, got[key]) for key, value in wanted.items())
    return bool(wanted == got) and isinstance(wanted, bool) == isinstance(got, bool)


def _order(wanted: list[str], ended: list[str]) -> Iterator[str]:
    at = 0
    for path in wanted:
        try:
            at = ended.index(path, at) + 1
        except ValueError:
            yield f"expected the order {', '.join(wanted)}, and it was {', '.join(ended)}"
            return


def _messages(wanted: list[dict[str, Json]] | None, sent: list[dict[str, Json]]) -> Iterator[str]:
    if wanted is None:
        return
    if len(wanted) != len(sent):
        yield f"expected {len(wanted)} messages, and {len(sent)} were sent: {sent}"
        return
    for number, (one, other) in enumerate(zip(wanted, sent, strict=True), 1):
        if not within(one, other):
            yield f"expected message {number} to be {one}, and it is {other}"


def _run(instance: Simulated, path: str) -> TaskRun | None:
    scope, task = split_path(path)
    state = instance.scopes.get(scope)
    return None if state is None else state["tasks"].get(task)


def _why(run: TaskRun | None) -> str:
    if run is None:
        return ""
    if "error" in run:
        return f" ({run['error']['kind']}: {run['error']['message']})"
    if "skipped" in run:
        reason = run["skipped"]
        return f" ({reason['cause']}: {reason.get('edge') or reason.get('condition') or ''})"
    return ""


def _failures(instance: Simulated) -> str:
    failures = instance.scopes[ROOT].get("failures", [])
    told = [
        f"{failure['path'] or 'the workflow'} {failure['outcome']}"
        + (f" ({failure['error']['kind']}: {failure['error']['message']})" if "error" in failure else "")
        for failure in failures
    ]
    return f"; failures: {'; '.join(told)}" if told else ""


def _mentions(instance: Simulated, text_: str) -> bool:
    failures = instance.scopes[ROOT].get("failures", [])
    errors = [failure["error"] for failure in failures if "error" in failure]
    return any(text_ == error["kind"] or text_ in error["message"] for error in errors)
