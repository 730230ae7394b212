"""Asks whoever sits at the terminal what approvals ask, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.app.approve import Outcome, decision_of
from engine.app.records import Approval
from engine.cli.local import given
from engine.cli.local.engine import LocalEngine
from engine.cli.local.out import Line, Out
from engine.cli.local.people import Unattended
from engine.cli.local.printable import line, lines, short
from engine.cli.local.typed import NoAnswer, is_there
from engine.cli.local.typed import line as typed
from engine.core.values import JsonObject
from engine.errors import HeadraceError, Invalid

APPROVE, REJECT, LATER = "approve", "reject", "leave"
_CHOICES = {"a": APPROVE, "r": REJECT, "l": LATER}
LONGEST = 200
"""Characters of a name or a schema that are shown."""


class Attended:
    """Somebody is there. What is left open, or cannot be asked any more, is waited for as if nobody were."""

    def __init__(self, engine: LocalEngine, out: Out, unattended: Unattended, *, person: str) -> None:
        self._engine = engine
        self._out = out
        self._unattended = unattended
        self._person = person
        self._left: set[str] = set()
        self._asked_about: Approval | None = None
        self.pause: Callable[[], None] = lambda: None
        """Takes away what is drawn, so that there is room for a question."""
        self.over: Callable[[], bool] = lambda: False
        """Whether the run is to end, so that nothing is asked any more."""

    @property
    def unsent(self) -> list[str]:
        """See `Unattended`."""
        return self._unattended.unsent

    def tend(self) -> list[Line]:
        """Ask, and let what can be done without anybody be done."""
        said = self._unattended.tend()
        for approval in self._engine.instances.approvals.list(state="open"):
            if approval.id not in self._left and is_there() and not self.over():
                said += self._ask(approval)
        return said

    def stuck(self) -> list[str]:
        """See `Unattended`."""
        return self._unattended.stuck()

    def _ask(self, approval: Approval) -> list[Line]:
        person = self._asked(approval)
        if person is None:
            self._leave(approval, "nobody of those who may decide is left")
            return []
        self.pause()
        self._out.lines(self._question(approval))
        self._asked_about = approval
        try:
            return self._answered(approval, person)
        except NoAnswer:
            self._out.text("")
            if self._is_open(approval):
                self._leave(approval, "it was left open")
            return []

    def _question(self, approval: Approval) -> Iterator[Line]:
        first, *more = lines(approval.message) or [""]
        yield ((f"? {line(approval.path)}: {first}", "bold"),)
        yield from (((f"  {each}", ""),) for each in more)
        given_so_far = [f"{line(one.person)} {one.decision}" for one in approval.decisions]
        if approval.require > 1:
            told = f"; {', '.join(given_so_far)}" if given_so_far else ""
            yield ((f"  {approval.require} have to approve{told}", "calm"),)

    def _answered(self, approval: Approval, person: str) -> list[Line]:
        if self._person != person:
            person = self._who(approval)
        choice = self._choice(person)
        if choice == LATER:
            self._leave(approval, "it was left open")
            return []
        form = self._filled(approval) if choice == APPROVE else {}
        comment = self._typed("  comment (Enter for none): ")
        decision: Outcome = "approved" if choice == APPROVE else "rejected"
        try:
            self._engine.approver.decide(
                approval.id, person=person, decision=decision, comment=comment, form=form, via="api"
            )
        except Invalid as wrong:
            for problem in wrong.problems:
                self._out.text(f"  {line(problem.pointer)}: {short(problem.detail, LONGEST)}", "bad")
            return self._answered(approval, person)
        except HeadraceError as refused:
            return [((f"{line(approval.path)}: {line(str(refused))}", "bad"),)]
        return [((f"{line(approval.path)} is {decision} as {line(person)}", ""),)]

    def _choice(self, person: str) -> str:
        while True:
            typed = self._typed(f"  as {line(person)}: (a)pprove, (r)eject, (l)eave it open? ").lower()
            found = _CHOICES.get(typed[:1])
            if found is not None and found.startswith(typed):
                return found

    def _who(self, approval: Approval) -> str:
        """Whom the answer is to count for, where whoever sits here is none of them."""
        left = self._left_to_decide(approval)
        if len(left) == 1:
            return left[0]
        while True:
            name = self._typed(f"  as whom, {', '.join(map(line, left))}? ")
            if name in left:
                return name

    def _filled(self, approval: Approval) -> JsonObject:
        found: JsonObject = {}
        for name, schema in approval.form.items():
            known = schema if isinstance(schema, dict) else {}
            text = self._typed(f"  {short(' '.join([name, *_hints(known)]), LONGEST)}: ")
            if text or "default" not in known:
                found[name] = given.value(text, known)
        return found

    def _typed(self, question: str) -> str:
        self._out.write(question)
        return typed(self._is_over)

    def _is_over(self) -> bool:
        return self.over() or (self._asked_about is not None and not self._is_open(self._asked_about))

    def _asked(self, approval: Approval) -> str | None:
        """Who answers: whoever sits here if they may, else one who may."""
        left = self._left_to_decide(approval)
        return self._person if self._person in left else left[0] if left else None

    def _left_to_decide(self, approval: Approval) -> list[str]:
        may = self._engine.approver.electorate(approval).may
        return [person for person in may if decision_of(approval, person) is None]

    def _is_open(self, approval: Approval) -> bool:
        return self._engine.instances.approvals.get(approval.id).state == "open"

    def _leave(self, approval: Approval, reason: str) -> None:
        self._left.add(approval.id)
        self._unattended.leave(approval, reason)


def _hints(schema: JsonObject) -> Iterator[str]:
    """What a field takes, in few words."""
    if "enum" in schema:
        yield f"({' | '.join(str(each) for each in schema['enum'])})"
    elif "type" in schema:
        yield f"({schema['type'] if isinstance(schema['type'], str) else ' or '.join(map(str, schema['type']))})"
    if "default" in schema:
        yield f"[{schema['default']}]"
    if isinstance(schema.get("description"), str):
        yield f"- {schema['description']}"
