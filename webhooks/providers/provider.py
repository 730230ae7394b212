"""The one question asked of every sender: is this call genuine, and what does it say about itself."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.datastructures import Headers

from engine.errors import Malformed

DAY = 24
ID_HOURS = 90 * DAY
"""How long a delivery's id is remembered: as long as deliveries are kept by default."""

_NAME = re.compile(r"[\x21-\x7e]{1,200}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a verified call says about itself. `keys` de-duplicate: (key, hours it counts)."""

    event: str
    keys: tuple[tuple[str, int], ...]


class Provider(Protocol):
    """A sender's convention."""

    def genuine(self, headers: Headers, body: bytes, secrets: Sequence[bytes]) -> bool:
        """Whether the call was signed with one of the secrets."""
        ...

    def call(self, headers: Headers, body: bytes) -> Call:
        """The event and the keys of a genuine call. Raises Malformed on a header that cannot be what it should."""
        ...


def single(headers: Headers, name: str) -> bytes | None:
    """The raw value of a header that came exactly once: with two, readers could disagree which one counts."""
    values = headers.getlist(name)
    return values[0].encode("latin-1") if len(values) == 1 else None


def word(headers: Headers, name: str) -> str:
    """A short printable value, "" if there is none. Raises Malformed."""
    value = headers.get(name, "")
    if value and not _NAME.fullmatch(value):
        raise Malformed(f"the header {name} is no word of at most 200 characters")
    return value


def body_key(event: str, body: bytes) -> tuple[str, int]:
    """Ids are not signed, so a copied call could carry a new one: the same event with the same body counts once a day."""
    return f"body:{event}:{hashlib.sha256(body).hexdigest()}", DAY
