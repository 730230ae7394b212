"""Runs one case: starts the instance, lets virtual time pass until it has ended, and holds what came of it against what was expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import jsonschema_rs

from engine.app.admission import admitted
from engine.core.durations import text
from engine.core.events import CancelRequested, EventReceived, ScopeStarted, TimersDue
from engine.core.expressions.errors import EvaluationError
from engine.core.expressions.evaluate import condition
from engine.core.expressions.render import render
from engine.core.keys import ROOT, split_path, task_path
from engine.core.model import Definition, EventTrigger, ScheduleTrigger, WebhookTrigger, WorkflowTrigger
from engine.core.state import ACTIVE, ScopeState
from engine.core.values import Json, JsonObject
from engine.errors import Invalid
from engine.simulate.expectations import misses, refusal_misses
from engine.simulate.instance import Simulated
from engine.simulate.mocks import Mocks
from engine.simulate.outside import Outside
from engine.spec.case_models import CaseKeys, TriggerKeys

START = 1_893_456_000_000
"""When every simulated instance starts: 2030-01-01T00:00:00Z."""
MOST_STEPS = 200_000
"""Things that happen in one case: more is a loop without an end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a case: why it failed (nothing if it passed), what happened when, and the scopes for the coverage."""

    problems: tuple[str, ...]
    scopes: Mapping[str, ScopeState]
    timeline: tuple[str, ...] = ()


def run(definition: Definition, inputs: jsonschema_rs.Validator, case: CaseKeys) -> Outcome:
    """Run a case; `inputs` validates the workflow's inputs. Never raises for what stands in the case."""
    definition = replace(definition, vars={**definition.vars, **case.vars}) if case.vars else definition
    try:
        given, trigger = _started(definition, case)
        values = admitted(definition, inputs, given, trigger)
    except (Invalid, _Refused) as refused:
        return Outcome(problems=refusal_misses(case.expect, _why(refused)), scopes={})
    if case.expect.refused is not None:
        return Outcome(problems=(f"expected no instance ({case.expect.refused}), and one was started",), scopes={})
    return _Run(definition, case, values, trigger).play()


class _Run:
    """One instance on its way."""

    def __init__(self, definition: Definition, case: CaseKeys, inputs: JsonObject, trigger: JsonObject) -> None:
        self.now = START
        self._case = case
        self._outside = Outside(Mocks(case.mocks), case.secrets, lambda: self.now)
        instance = {
            "id": "test",
            "workflow": definition.name,
            "commit": "0" * 40,
            "started_at": "2030-01-01T00:00:00.000Z",
            "started_by": "test",
        }
        context = {"instance": instance, "inputs": inputs, "trigger": trigger}
        self._instance = Simulated(definition, context, self._outside)
        self._timeline: list[str] = []
        self._seen = 0

    def play(self) -> Outcome:
        """From the start to the end, or to where nothing more happens."""
        self._prepare()
        self._take(ROOT, ScopeStarted(at=self.now))
        for _ in range(MOST_STEPS):
            if self._instance.scopes[ROOT]["status"] == "settled" or self._outside.problems:
                break
            if not self._step():
                break
        else:
            self._outside.problems.append(f"it does not end: {MOST_STEPS} things happened")
        scopes = self._instance.scopes
        problems = list(self._outside.problems)
        if not problems:
            problems += misses(self._case.expect, self._instance, self._outside, self.now - START)
        return Outcome(problems=tuple(problems), scopes=scopes, timeline=tuple(self._timeline))

    def _prepare(self) -> None:
        for sent in self._case.events:
            self._outside.send(START + sent.after, sent.type, sent.body)

    def _step(self) -> bool:
        """The next thing that happens, by itself or by the clock; False if nothing ever will."""
        timer = self._next_timer()
        outside = self._outside.next_at()
        cancel = START + self._case.cancel.after if self._case.cancel else None
        due = [at for at in (timer[0] if timer else None, outside, self._cancel_at(cancel)) if at is not None]
        if not due or min(due) - START > self._case.timeout:
            waits = ", ".join(self._waiting()) or "nothing"
            self._outside.problems.append(f"the instance does not end; it waits at {waits}")
            return False
        self.now = max(self.now, min(due))
        if self._cancel_at(cancel) is not None and min(due) == cancel:
            self._cancel()
        elif outside is not None and min(due) == outside:
            self._happen()
        elif timer is not None:
            self._take(timer[1], TimersDue(at=self.now))
        return True

    def _happen(self) -> None:
        answer = self._outside.pop()
        if answer is None:
            return
        scope, event = answer
        if isinstance(event, EventReceived) and not event.task:
            for path, received in self._outside.arrive(event.event):
                self._take(path, received)
        else:
            self._take(scope, replace(event, at=self.now))

    def _cancel_at(self, at: int | None) -> int | None:
        root = self._instance.scopes[ROOT]
        return None if at is None or "cancel" in root or root["status"] == "settled" else at

    def _cancel(self) -> None:
        reason = self._case.cancel.reason if self._case.cancel else ""
        before = self._instance.scopes[ROOT]
        self._take(ROOT, CancelRequested(by="test", reason=reason, at=self.now))
        if self._instance.scopes[ROOT] is before:
            self._outside.problems.append("the instance could not be cancelled then")

    def _next_timer(self) -> tuple[int, str] | None:
        """The earliest timer of any scope; checks never come due, as nothing is ever lost here."""
        found = [(at, path) for path, state in self._instance.scopes.items() for at in _timers(state)]
        return min(found, default=None)

    def _take(self, path: str, event: object) -> None:
        self._instance.take(path, event)  # type: ignore[arg-type] # one of the events
        for ended in self._instance.ended[self._seen :]:
            self._timeline.append(f"+{text(self.now - START):<10} {ended}: {self._outcome(ended)}")
        self._seen = len(self._instance.ended)

    def _outcome(self, path: str) -> str:
        scope, task = split_path(path)
        run = self._instance.scopes[scope]["tasks"].get(task)
        return run["state"] if run else ""

    def _waiting(self) -> list[str]:
        return [
            f"{task_path(path, name) or 'the instance'} ({run['state']})"
            for path, state in self._instance.scopes.items()
            for name, run in state["tasks"].items()
            if run["state"] in ACTIVE and "items" not in run and "iterations" not in run
        ]


class _Refused(Exception):
    """Why a trigger starts nothing."""


def _started(definition: Definition, case: CaseKeys) -> tuple[JsonObject, JsonObject]:
    """The inputs and the trigger that the instance starts with. Raises _Refused."""
    if case.trigger is None:
        return dict(case.inputs), {}
    sent = case.trigger
    trigger: JsonObject = {
        "source": sent.source,
        "event": sent.event,
        "headers": dict(sent.headers),
        "body": sent.body if sent.body is not None else {},
        "id": "test",
        "received_at": "2030-01-01T00:00:00.000Z",
    }
    names = {"trigger": trigger, "vars": definition.vars}
    reasons = []
    for entry in _entries(definition, sent):
        wanted = None if isinstance(entry, ScheduleTrigger) else entry.condition
        try:
            if wanted is not None and not condition(wanted, names):
                reasons.append(f"condition is false: {wanted.source}")
                continue
            given: Json = render(entry.inputs, names)
        except EvaluationError as error:
            raise _Refused(f"an expression has no value: {error.message}") from None
        return {**given, **case.inputs}, trigger
    raise _Refused("; ".join(reasons) or "no trigger takes it")


def _entries(
    definition: Definition, sent: TriggerKeys
) -> list[WebhookTrigger | EventTrigger | ScheduleTrigger | WorkflowTrigger]:
    match sent.source:
        case "event":
            return [entry for entry in definition.events if entry.type == sent.event]
        case "schedule":
            return [entry for entry in definition.schedules if sent.event in ("", entry.cron)]
        case "workflow":
            return [entry for entry in definition.workflows if sent.event in ("", entry.outcome)]
    return [
        entry
        for entry in definition.webhooks
        if entry.source == sent.source and (not entry.events or sent.event in entry.events)
    ]


def _why(refused: Exception) -> str:
    details = "; ".join(f"{problem.pointer}: {problem.detail}" for problem in getattr(refused, "problems", ()))
    return f"{refused}: {details}" if details and details not in str(refused) else str(refused)


def _timers(state: ScopeState) -> list[int]:
    every = [state.get("timers", {}), *(run.get("timers", {}) for run in state["tasks"].values())]
    return [at for timers in every for name, at in timers.items() if name != "check"]
