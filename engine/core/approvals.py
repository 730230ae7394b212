"""Asking people: an approval opens, its approvers are told, they decide one by one, and it settles."""

from __future__ import annotations

from collections.abc import Mapping

from engine.core.commands import AskApprovers, OpenApproval, RecordDecision
from engine.core.durations import duration
from engine.core.events import ApproversAsked, AskingFailed, DecisionMade
from engine.core.model import Task
from engine.core.outputs import too_large
from engine.core.state import ApprovalRun, DecisionRun, TaskRun
from engine.core.turn import CHECK_AFTER, Turn
from engine.core.values import Json, JsonObject

ASK_AGAIN = 30_000
"""Milliseconds until the approvers are told again after that failed once; doubled each time."""
ASK_AGAIN_AT_MOST = 600_000


def open_(turn: Turn, task: Task, run: TaskRun, params: Json) -> None:
    """Open the approval that `run` (waiting, with its timers) is for. Raises ValueError if the parameters make no sense."""
    opening = _opening(turn, task, run, params)
    opened = run.copy()
    opened["approval"] = {"require": opening.require, "decisions": {}}
    timers = {**run.get("timers", {}), "check": turn.at + CHECK_AFTER}
    if opening.expires_at is not None:
        timers["expiry"] = opening.expires_at
    opened["timers"] = timers
    turn.order(opening)
    turn.order(asking(turn.instance, turn.definition.name, opening.path, task, run))
    turn.put(task.id, opened)


def asking(instance: str, workflow: str, path: str, task: Task, run: TaskRun) -> AskApprovers:
    """What has the approvers told."""
    return AskApprovers(instance=instance, path=path, attempt=run["attempt"], workflow=workflow, queue=task.queue)


def ask_again(turn: Turn, task: Task, run: TaskRun) -> None:
    """The pause after a failure to tell the approvers is over."""
    turn.order(asking(turn.instance, turn.definition.name, turn.path(task.id), task, run))
    turn.put(task.id, _with_timer(run, "check", turn.at + CHECK_AFTER))


def asked(turn: Turn, event: ApproversAsked) -> bool:
    """They were told: nothing is outstanding any more."""
    found = _unasked(turn, event)
    if found is None:
        return False
    run, approval = found
    approval["asked"] = True
    run["approval"] = approval
    turn.put(event.task, _with_timer(run, None, 0))
    return True


def asking_failed(turn: Turn, event: AskingFailed) -> bool:
    """Nobody could be told: again after a pause."""
    found = _unasked(turn, event)
    if found is None or "ask" in found[0].get("timers", {}):
        return False
    run, approval = found
    failures = approval["ask_failures"] = approval.get("ask_failures", 0) + 1
    run["approval"] = approval
    pause = min(ASK_AGAIN << min(failures - 1, 10), ASK_AGAIN_AT_MOST)
    turn.put(event.task, _with_timer(run, "ask", turn.at + pause))
    return True


def decided(turn: Turn, event: DecisionMade) -> bool:
    """Count a person's decision, their first; one rejection or `require` approvals settle the task.

    One that brings more than there is room for does not count: who takes it at the door refuses it, unless two come at once.
    """
    run = turn.runs.get(event.task)
    if run is None or "approval" not in run or run["state"] != "waiting" or run["attempt"] != event.attempt:
        return False
    before = run["approval"]["decisions"]
    if event.person in before:
        return False
    decision = said(event, turn.at)
    decisions = {**before, event.person: decision}
    if brings_too_much(decisions, decision):
        return False
    counted = run.copy()
    approval = counted["approval"] = run["approval"].copy()
    approval["decisions"] = decisions
    path = turn.path(event.task)
    turn.order(RecordDecision(path=path, attempt=event.attempt, person=event.person, decision=decision, via=event.via))
    if event.decision == "rejected" or len(decisions) >= approval["require"]:
        turn.end(event.task, counted, event.decision, outputs=_outputs(decisions))
    else:
        turn.put(event.task, counted)
    return True


def said(event: DecisionMade, at: int) -> DecisionRun:
    """A decision as it is kept."""
    decision: DecisionRun = {"decision": event.decision, "at": at}
    if event.comment:
        decision["comment"] = event.comment
    if event.form:
        decision["form"] = event.form
    return decision


def brings_too_much(decisions: Mapping[str, DecisionRun], last: DecisionRun) -> bool:
    """Whether the comment or the form of the last of them finds no room beside those of the others.

    A decision without either is always taken: nobody can keep others from rejecting by what they fill in.
    """
    return ("comment" in last or "form" in last) and too_large(dict(decisions)) is not None


def expire(turn: Turn, task: Task, run: TaskRun) -> None:
    """Its time is over. There is no `comment` then, whoever may have approved before."""
    turn.end(task.id, run, "expired", outputs={"decided_by": list(run["approval"]["decisions"])})


def is_unasked(run: TaskRun) -> bool:
    """Whether the approvers still have to be told and no pause is on."""
    approval = run.get("approval")
    if approval is None or run["state"] != "waiting":
        return False
    return not approval.get("asked") and "ask" not in run.get("timers", {})


def _unasked(turn: Turn, event: ApproversAsked | AskingFailed) -> tuple[TaskRun, ApprovalRun] | None:
    """Copies of the run and its approval, if the event is about telling that is still to be done."""
    run = turn.runs.get(event.task)
    if run is None or run["state"] != "waiting" or run["attempt"] != event.attempt:
        return None
    approval = run.get("approval")
    if approval is None or approval.get("asked"):
        return None
    return run.copy(), approval.copy()


def _with_timer(run: TaskRun, name: str | None, due: int) -> TaskRun:
    """The run with this timer alone out of `check` and `ask`; with neither for None."""
    changed = run.copy()
    timers = {key: when for key, when in run.get("timers", {}).items() if key not in ("check", "ask")}
    if name is not None:
        timers[name] = due
    changed["timers"] = timers
    return changed


def _outputs(decisions: dict[str, DecisionRun]) -> JsonObject:
    """The form's fields (of later people over those of earlier ones), the last comment given, and who decided."""
    outputs: JsonObject = {}
    comment = ""
    for decision in decisions.values():
        outputs.update(decision.get("form", {}))
        comment = decision.get("comment", comment)
    return {**outputs, "comment": comment, "decided_by": list(decisions)}


def _opening(turn: Turn, task: Task, run: TaskRun, params: Json) -> OpenApproval:
    _expect(isinstance(params, dict), "an approval takes a map of parameters")
    message, form, channel = params.get("message", ""), params.get("form", {}), params.get("channel")
    require, expires = params.get("require", 1), params.get("expires")
    _expect(isinstance(message, str), "`message` must be text")
    _expect(isinstance(form, dict), "`form` must be a map of fields")
    _expect(channel is None or isinstance(channel, str), "`channel` must be text")
    _expect(type(require) is int and require > 0, "`require` must be a whole number from 1")
    return OpenApproval(
        path=turn.path(task.id),
        attempt=run["attempt"],
        message=message,
        approvers=_people(params, "approvers"),
        require=require,
        exclude=_people(params, "exclude"),
        form=form,
        channel=channel,
        expires_at=None if expires is None else turn.at + duration(expires),
    )


def _people(params: JsonObject, name: str) -> list[str]:
    """One name or a list of them."""
    given = params.get(name, [])
    people = [given] if isinstance(given, str) else given
    fits = isinstance(people, list) and all(isinstance(person, str) for person in people)
    _expect(fits, f"`{name}` must be a list of people and groups")
    return list(people)


def _expect(holds: bool, complaint: str) -> None:
    if not holds:
        raise ValueError(complaint)
