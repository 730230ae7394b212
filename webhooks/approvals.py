"""The pages behind approval links. GET and HEAD show and never act, as mail scanners open every link; only POST decides."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections.abc import Mapping, Sequence
from typing import cast

from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from engine.app.approve import OPEN, Approver, Electorate, Outcome, decision_of, form_schema
from engine.app.ports import ApprovalStore, InstanceReader
from engine.app.records import Approval
from engine.app.services import LinkSender
from engine.core.values import JsonObject
from engine.errors import Conflict, Forbidden, Invalid, Problem, Rejected, Unavailable
from engine.web.forms import fields, values
from engine.web.handling import Visit, act, show
from engine.web.pages import static_files
from engine.web.render import now, page

LINK_PAUSE = 60.0
"""Seconds until the same person is sent another link to the same approval."""
GONE = 410


def routes(
    *, approver: Approver, approvals: ApprovalStore, reader: InstanceReader, links: LinkSender
) -> list[BaseRoute]:
    """What the `webhooks` process serves for people, with the style sheet."""
    pages = ApprovalPages(approver=approver, approvals=approvals, reader=reader, links=links)
    return [
        show("/approvals/at/{id}", pages.locate),
        act("/approvals/at/{id}", pages.send),
        show("/approvals/{token}", pages.ask),
        act("/approvals/{token}", pages.decide),
        static_files(),
    ]


class ApprovalPages:
    """A personal link's page, and the page that a link in a shared place leads to."""

    def __init__(
        self, *, approver: Approver, approvals: ApprovalStore, reader: InstanceReader, links: LinkSender
    ) -> None:
        self._approver = approver
        self._approvals = approvals
        self._reader = reader
        self._links = links
        self._sent: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def ask(self, visit: Visit) -> Response:
        """What is asked of the person, or what came of it."""
        token = visit.path["token"]
        approval, person = self._approver.by_token(token)
        gone = _closed(approval) and decision_of(approval, person) is None
        return self._personal(approval, person, token, status=GONE if gone else 200)

    def decide(self, visit: Visit) -> Response:
        """Take the decision, and lead to the page that shows it; what cannot be taken is said on the page itself."""
        token = visit.path["token"]
        approval, person = self._approver.by_token(token)
        decision = visit.form.get("decision", "")
        form, wrong = values(approval.form, visit.form)
        try:
            if not hmac.compare_digest(visit.form.get("csrf", "").encode(), csrf(token).encode()):
                raise Forbidden("the form did not come from this page; please try again")
            if not self._approver.links_decide():
                raise Forbidden("a link alone does not decide in this project")
            if decision not in ("approved", "rejected"):
                raise Invalid("choose to approve or to reject")
            if wrong and decision == "approved":
                raise Invalid("the form cannot be read", problems=[_below_form(problem) for problem in wrong])
            self._approver.decide(
                approval.id,
                person=person,
                decision=cast("Outcome", decision),
                comment=visit.form.get("comment", "").replace("\r\n", "\n").strip(),
                form=form if decision == "approved" else {},
                via="link",
            )
        except Conflict as error:
            latest = self._approvals.get(approval.id)
            gone = _closed(latest) and decision_of(latest, person) is None
            return self._personal(latest, person, token, status=GONE if gone else error.status, error=error.detail)
        except Rejected as error:
            return self._personal(
                approval,
                person,
                token,
                status=error.status,
                error=error.detail,
                problems=error.problems,
                sent=visit.form,
            )
        return RedirectResponse(visit.url, 303)

    def locate(self, visit: Visit) -> Response:
        """What is asked, for whoever has the link: it stands for nobody, and shows no inputs."""
        return self._shared(self._approvals.get(visit.path["id"]))

    def send(self, visit: Visit) -> Response:
        """Send the chosen person their own link. The answer is the same whether or not one was sent just before."""
        approval, person = self._approvals.get(visit.path["id"]), visit.form.get("person", "")
        if _closed(approval):
            return self._shared(approval, status=GONE)
        if person not in self._approver.electorate(approval).may:
            return self._shared(approval, status=Forbidden.status, error="Choose one of those who may decide.")
        try:
            if self._may_send(approval.id, person):
                self._links.send_link(approval.id, person)
        except (Rejected, Unavailable) as error:
            with self._lock:
                self._sent.pop((approval.id, person), None)
            return self._shared(approval, status=error.status, error=str(error))
        return self._shared(approval, sent_to=person)

    def _may_send(self, approval: str, person: str) -> bool:
        moment = time.monotonic()
        with self._lock:
            self._sent = {key: at for key, at in self._sent.items() if moment - at < LINK_PAUSE}
            if (approval, person) in self._sent:
                return False
            self._sent[approval, person] = moment
            return True

    def _personal(
        self,
        approval: Approval,
        person: str,
        token: str,
        *,
        status: int = 200,
        error: str = "",
        problems: Sequence[Problem] = (),
        sent: Mapping[str, str] | None = None,
    ) -> Response:
        electorate = self._approver.electorate(approval)
        required = form_schema(approval.form)["required"]
        own = decision_of(approval, person)
        more: JsonObject = {
            "person": person,
            "own": own,
            "electorate": electorate,
            "refusal": _refusal(electorate, person),
            "deciding": not _closed(approval) and own is None,
            "links_decide": self._approver.links_decide(),
            "csrf": csrf(token),
            "error": error,
            "fields": fields(approval.form, required, sent, problems, below="/form"),
            "comment": (sent or {}).get("comment", ""),
            "problems": [problem for problem in problems if not problem.pointer.startswith("/form")],
        }
        return page("approval.html", self._about(approval) | more, status=status)

    def _shared(self, approval: Approval, *, status: int = 200, error: str = "", sent_to: str = "") -> Response:
        more: JsonObject = {
            "electorate": self._approver.electorate(approval),
            "error": error,
            "sent_to": sent_to,
        }
        closed = GONE if _closed(approval) else status
        return page("approval_locator.html", self._about(approval) | more, status=closed)

    def _about(self, approval: Approval) -> JsonObject:
        approved = sum(made.decision == "approved" for made in approval.decisions)
        return {
            "approval": approval,
            "instance": self._reader.get(approval.instance),
            "closed": _closed(approval),
            "state": "expired" if approval.state == OPEN and _closed(approval) else approval.state,
            "approved": approved,
        }


def csrf(token: str) -> str:
    """What the page's form carries: made from the link, which no other site knows."""
    return hmac.new(token.encode("utf-8", "replace"), b"decide", hashlib.sha256).hexdigest()


def _closed(approval: Approval) -> bool:
    return approval.state != OPEN or (approval.expires_at is not None and approval.expires_at <= now())


def _refusal(electorate: Electorate, person: str) -> str:
    if person in electorate.excluded:
        return f"You may not decide this one: {electorate.excluded[person]}."
    return "" if person in electorate.may else "You are not among those who may decide this any more."


def _below_form(problem: Problem) -> Problem:
    return Problem(pointer="/form" + problem.pointer, detail=problem.detail)
