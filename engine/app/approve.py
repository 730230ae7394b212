"""Takes a person's decision on an approval, after finding that they may make it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, cast

from engine.app.ports import ApprovalStore, Clock, DefinitionStore, InstanceReader
from engine.app.records import Approval, ApprovalDecision, Instance, Notification
from engine.app.starters import is_called, means
from engine.app.storable import unstorable
from engine.core.approvals import brings_too_much, said
from engine.core.events import DecisionMade, to_json
from engine.core.keys import split_path
from engine.core.outputs import LIMIT
from engine.core.project import AUTHOR, ROLES, STARTER, Person, Project
from engine.core.values import JsonObject
from engine.errors import Conflict, Forbidden, Invalid, NotFound, Problem, Unavailable
from engine.spec.validation import problems as misfits
from engine.spec.validation import validator

Outcome = Literal["approved", "rejected"]
Via = Literal["link", "api", "chat"]

OPEN = "open"
_NAMED = "the workflow leaves them out"
MAX_COMMENT = 4_000
"""Characters of a comment."""


class Submitter(Protocol):
    """The one door into the core."""

    def submit(self, notifications: Sequence[Notification]) -> None:
        """Take the events in one transaction, then publish what they ask for."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Electorate:
    """Who may decide now, and who was asked but may not: name to reason."""

    may: tuple[str, ...] = ()
    excluded: Mapping[str, str] = field(default_factory=dict)


def token_hash(token: str) -> str:
    """What the database keeps of a link's token (RELIABILITY B8): it cannot be turned back into the link."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def form_schema(form: JsonObject) -> JsonObject:
    """An approval's form, field name to schema, as one schema: a field without `default` is required, as with inputs."""
    return {
        "type": "object",
        "properties": form,
        "required": [name for name, schema in form.items() if not _has_default(schema)],
        "additionalProperties": False,
    }


class Approver:
    """Approvals as people act on them. `dev` lets a personal link stand for its person whatever the project says."""

    def __init__(
        self,
        *,
        approvals: ApprovalStore,
        definitions: DefinitionStore,
        reader: InstanceReader,
        advancer: Submitter,
        clock: Clock,
        dev: bool = False,
    ) -> None:
        self._approvals = approvals
        self._definitions = definitions
        self._reader = reader
        self._advancer = advancer
        self._clock = clock
        self._dev = dev

    def by_token(self, token: str) -> tuple[Approval, str]:
        """The approval a personal link is for and the person it was sent to. Raises NotFound."""
        found = self._approvals.by_token(token_hash(token))
        if found is None:
            raise NotFound("approval link", token[:4] + "…")
        return found

    def project(self) -> Project:
        """The people and groups of today, not those of when the instance started: who left must not approve."""
        active = self._definitions.project()
        return Project() if active is None else Project.from_json(active.document)

    def links_decide(self) -> bool:
        """Whether a personal link alone stands for its person."""
        return self._dev or self.project().approval_identity == "link"

    def electorate(self, approval: Approval) -> Electorate:
        """Who may decide this approval, by the people and groups of today. Raises Unavailable if its author is not known."""
        project = self.project()
        asked = project.members(approval.approvers)
        if not approval.exclude:
            return Electorate(may=asked)
        instance = self._reader.get(approval.instance)
        named = project.members([name for name in approval.exclude if name not in ROLES])
        excluded = {
            name: why
            for name in asked
            if (why := _NAMED if name in named else self._exclusion(approval, instance, project.people[name]))
        }
        return Electorate(may=tuple(name for name in asked if name not in excluded), excluded=excluded)

    def decide(
        self, id: str, *, person: str, decision: Outcome, comment: str = "", form: JsonObject | None = None, via: Via
    ) -> Approval:
        """Record what a person decided and return the approval as it is then.

        Raises NotFound, Forbidden (not one of those who may), Conflict (decided already, or closed), Invalid (the form).
        """
        approval = self._approvals.get(id)
        self._refuse_closed(approval)
        self._refuse_person(approval, person)
        if decision_of(approval, person) is not None:
            raise Conflict(f"{person} has decided already")
        scope, task = split_path(approval.path)
        event = DecisionMade(
            task=task,
            attempt=approval.attempt,
            person=person,
            decision=decision,
            comment=comment,
            form=form or {},
            via=via,
        )
        self._refuse_values(approval, event)
        self._advancer.submit([Notification(instance=approval.instance, scope=scope, event=to_json(event))])
        return self._settled(id, event)

    def _settled(self, id: str, event: DecisionMade) -> Approval:
        """What became of it: the same person may have decided elsewhere, others have said much, or the approval closed, in the
        same moment.
        """
        approval = self._approvals.get(id)
        counted = decision_of(approval, event.person)
        if counted is None:
            self._refuse_values(approval, event)
            raise Conflict("the approval closed before the decision arrived")
        if (counted.decision, counted.comment, counted.form) != (event.decision, event.comment, event.form):
            raise Conflict(f"{event.person} has decided already")
        return approval

    def _refuse_closed(self, approval: Approval) -> None:
        if approval.state != OPEN:
            raise Conflict(f"the approval is closed: {approval.state}")
        if approval.expires_at is not None and approval.expires_at <= self._clock.now():
            raise Conflict("the approval has expired")

    def _refuse_person(self, approval: Approval, person: str) -> None:
        electorate = self.electorate(approval)
        if person in electorate.excluded:
            raise Forbidden(f"{person} may not decide this approval: {electorate.excluded[person]}")
        if person not in electorate.may:
            raise Forbidden(f"{person!r} is not among those who may decide this approval")

    def _refuse_values(self, approval: Approval, event: DecisionMade) -> None:
        problems: list[Problem] = []
        if len(event.comment) > MAX_COMMENT:
            problems.append(Problem(pointer="/comment", detail=f"longer than {MAX_COMMENT} characters"))
        for pointer, value in (("/comment", event.comment), ("/form", event.form)):
            found = unstorable(value, pointer)
            if found:
                problems.append(Problem(pointer=found[0], detail=found[1]))
        problems = problems or _misfits(approval, event)
        if problems:
            raise Invalid("the decision does not fit the form", problems=problems)
        if _is_too_much(approval, event, self._clock.now()):
            detail = f"the forms and comments of all who decide are larger than the {LIMIT} bytes that can be kept"
            raise Invalid(detail, problems=[Problem(pointer="/form" if event.form else "/comment", detail=detail)])

    def _exclusion(self, approval: Approval, instance: Instance, person: Person) -> str:
        if STARTER in approval.exclude and means(person, instance.started_by):
            return "they started it"
        if AUTHOR in approval.exclude and is_called(person, self._author(instance)):
            return "they wrote this version of the workflow"
        return ""

    def _author(self, instance: Instance) -> str:
        try:
            return self._definitions.version(instance.version).author_email
        except NotFound:
            # The definitions DB may have been rebuilt from git: then the same commit has another row.
            for version in self._definitions.versions(instance.workflow):
                if (version.commit, version.digest) == (instance.commit, instance.digest):
                    return version.author_email
        raise Unavailable("the author of this version", "the definitions have to be synced first") from None


def decision_of(approval: Approval, person: str) -> ApprovalDecision | None:
    """What a person decided, None if they have not."""
    return next((made for made in approval.decisions if made.person == person), None)


def _misfits(approval: Approval, event: DecisionMade) -> list[Problem]:
    """What is wrong with the form. It is for those who approve: behind a rejection nothing of it would be what it says."""
    if event.decision == "rejected":
        return [Problem(pointer="/form", detail="a rejection has no form")] if event.form else []
    wrong = misfits(validator(form_schema(approval.form)), event.form)
    return [Problem(pointer="/form" + problem.pointer, detail=problem.detail) for problem in wrong]


def _is_too_much(approval: Approval, event: DecisionMade, now: int) -> bool:
    """Whether it would make what all have said larger than can be kept."""
    others = {made.person: said(_again(made, event), made.at) for made in approval.decisions}
    last = said(event, now)
    return brings_too_much({**others, event.person: last}, last)


def _again(made: ApprovalDecision, like: DecisionMade) -> DecisionMade:
    """What told the core of a decision that is stored."""
    decision = cast("Outcome", made.decision)
    return replace(like, person=made.person, decision=decision, comment=made.comment, form=made.form, via=made.via)


def _has_default(schema: object) -> bool:
    return isinstance(schema, dict) and "default" in schema
