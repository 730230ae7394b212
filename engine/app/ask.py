"""Tells people that an approval waits for them: a personal link to each, a link to the page where everybody can see it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from engine.app.approve import OPEN, Electorate, token_hash
from engine.app.channel_ports import Channel
from engine.app.ports import ApprovalStore
from engine.app.recipients import ChannelChoice
from engine.app.records import Approval, Outgoing
from engine.core.commands import AskApprovers
from engine.core.events import ApproversAsked, AskingFailed
from engine.core.keys import split_path
from engine.core.project import Project
from engine.errors import Conflict, Forbidden, HeadraceError, Unavailable

SUBJECT = 120
"""Characters of an approval's message that a subject shows."""


class Electors(Protocol):
    """Who may decide, by the people and groups of today (`engine.app.approve.Approver`)."""

    def project(self) -> Project: ...

    def electorate(self, approval: Approval) -> Electorate:
        """Raises Unavailable if somebody is to be left out and it cannot be told who."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Invited:
    """Somebody who is asked: their address, if one is known, and their link."""

    person: str
    to: tuple[str, ...]
    link: str


@dataclass(slots=True)
class _Reached:
    """What came of telling everybody. `errors` in the order they happened."""

    somebody: bool = False
    undelivered: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def attempt(self, name: str, tell: Callable[..., None], *arguments: object) -> None:
        try:
            tell(*arguments)
        except HeadraceError as error:
            self.undelivered.append(name)
            self.errors.append(f"{name}: {error}")
        else:
            self.somebody = True


class Asker:
    """Sends links to approvals. `public` is the start of links; `dev` prints personal links where there is no e-mail."""

    def __init__(
        self, *, approvals: ApprovalStore, electors: Electors, channels: ChannelChoice, public: str, dev: bool = False
    ) -> None:
        self._approvals = approvals
        self._electors = electors
        self._channels = channels
        self._public = public.rstrip("/")
        self._dev = dev

    def ask(self, command: AskApprovers) -> ApproversAsked | AskingFailed:
        """Tell everybody who may decide. Asked twice it tells them twice; all links work, one decision each counts."""
        _, task = split_path(command.path)
        try:
            reached = self._tell(self._approvals.at(command.instance, command.path, command.attempt), command.workflow)
        except HeadraceError as error:
            return AskingFailed(task=task, attempt=command.attempt, message=str(error))
        if not reached.somebody:
            return AskingFailed(task=task, attempt=command.attempt, message="; ".join(reached.errors))
        return ApproversAsked(task=task, attempt=command.attempt, undelivered=reached.undelivered)

    def send_link(self, approval: str, person: str) -> None:
        """Give one person their own link, as they asked for on the approval's page.

        Raises NotFound, Conflict (it is closed), Forbidden (not among those who may decide), Unavailable.
        """
        found = self._approvals.get(approval)
        if found.state != OPEN:
            raise Conflict(f"the approval is closed: {found.state}")
        if person not in self._electors.electorate(found).may:
            raise Forbidden(f"{person!r} is not among those who may decide this approval")
        channel = self._personal()
        if channel is None:
            raise Unavailable("e-mail", "no mail server is set up")
        self._send_link(channel, found, self._invite(found, person), "")

    def _tell(self, approval: Approval, workflow: str) -> _Reached:
        if approval.state != OPEN:
            return _Reached(somebody=True)  # decided meanwhile: there is nothing to ask any more
        people = self._electors.electorate(approval).may
        if not people:
            raise Forbidden("nobody may decide: the approvers are not people of the project, or all are excluded")
        reached = _Reached()
        personal = self._personal()
        if personal is not None:
            # All are stored before the first is sent: a database that is away is no reason to leave somebody out.
            invited = [self._invite(approval, person) for person in people]
            for one in invited:
                reached.attempt(one.person, self._send_link, personal, approval, one, workflow)
        if approval.channel is not None:
            reached.attempt(approval.channel, self._send_locator, approval.channel, approval, workflow)
        elif self._channels.mail() is None:
            reached.attempt("log", self._send_locator, None, approval, workflow)
        return reached

    def _personal(self) -> Channel | None:
        """Where a personal link may go: it stands for its person, so never to a channel that others read."""
        return self._channels.mail() or (self._channels.log() if self._dev else None)

    def _invite(self, approval: Approval, person: str) -> _Invited:
        """A link of their own, stored before it is sent: a link that arrives works."""
        token = secrets.token_urlsafe(32)
        emails = self._electors.project().people[person].emails
        self._approvals.add_token(approval.id, person, token_hash(token))
        return _Invited(person=person, to=emails[:1], link=f"{self._public}/approvals/{token}")

    def _send_link(self, channel: Channel, approval: Approval, invited: _Invited, workflow: str) -> None:
        if not invited.to and self._channels.mail() is not None:
            raise Unavailable(f"e-mail to {invited.person}", "no address is known")
        link = (f"Approve or reject, as {invited.person}", invited.link)
        channel.send(_written(approval, workflow, to=invited.to or (invited.person,), link=link))

    def _send_locator(self, name: str | None, approval: Approval, workflow: str) -> None:
        channel = self._channels.log() if name is None else self._channels.named(name)
        link = ("Open the approval", f"{self._public}/approvals/at/{approval.id}")
        channel.send(_written(approval, workflow, to=(), link=link))


def _written(approval: Approval, workflow: str, *, to: tuple[str, ...], link: tuple[str, str]) -> Outgoing:
    first_line = " ".join(approval.message.split())[:SUBJECT]
    text = f"{approval.message}\n\n{workflow or approval.instance}, task {approval.path}"
    return Outgoing(subject=f"Approval needed: {first_line}", text=text.strip(), to=to, links=(link,))
