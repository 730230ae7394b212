"""Who started an instance: the name it keeps, and whom that name means, so that `exclude: [starter]` holds however it began."""

from __future__ import annotations

import re

from engine.app.records import Delivery
from engine.core.project import Person
from engine.core.values import Json

WEBHOOK = "webhook:"
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(?:\[bot\])?")


def started_by(delivery: Delivery, body: Json) -> str:
    """`webhook:SOURCE:LOGIN` where GitHub says whose act it was (`sender` of every event), else `webhook:SOURCE`."""
    sender = body.get("sender") if delivery.provider == "github" and isinstance(body, dict) else None
    login = sender.get("login") if isinstance(sender, dict) else None
    known = isinstance(login, str) and _LOGIN.fullmatch(login)
    return f"{WEBHOOK}{delivery.source}" + (f":{login}" if known else "")


def means(person: Person, starter: str) -> bool:
    """Whether the name that an instance keeps of its starter is this person's."""
    if starter.startswith(WEBHOOK):
        # A login at the git host: somebody there may well be called like another of our people.
        _, _, login = starter.removeprefix(WEBHOOK).partition(":")
        return login.casefold() in {known.casefold() for known in person.logins}
    return is_called(person, starter)


def is_called(person: Person, name: str) -> bool:
    """Whether a name, e-mail address or login is this person's. Addresses and logins know no case."""
    folded = name.casefold()
    return name == person.name or folded in {known.casefold() for known in (*person.emails, *person.logins)}
