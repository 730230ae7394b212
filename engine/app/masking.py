"""Takes the values of secrets out of everything a task leaves behind, in the forms they are commonly written in."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from engine.core.values import Json

MASK = "***"
SHORTEST = 4
"""Characters below which a value is not masked: it would hide half of every text and hardly is a secret."""


class Masker:
    """Masks a set of secret values: as they are, and in base64, hex, URL and JSON form (RELIABILITY B8)."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(_pattern, longest_first))) if forms else None

    def text(self, text: str) -> str:
        """The text with every secret replaced."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def value(self, value: Json) -> Json:
        """A JSON value with every secret replaced, in keys too. A number that is a secret becomes text."""
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key) if isinstance(key, str) else key: self.value(entry) for key, entry in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(entry) for entry in value]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return MASK if self._pattern.fullmatch(str(value)) else value
        return value


def _pattern(form: str) -> str:
    # Percent-encoding is written in either case (RFC 3986, 2.1).
    return re.sub("%[0-9A-F]{2}", lambda match: f"(?i:{match[0]})", re.escape(form))


def _forms(secret: str) -> Iterator[str]:
    # A log has lines, so a key of many lines has to be found line by line.
    for part in {secret, secret.strip(), *secret.splitlines()}:
        if len(part) >= SHORTEST:
            yield part
            yield from _encoded(part)


def _encoded(part: str) -> Iterator[str]:
    raw = part.encode("utf-8", "surrogatepass")
    yield raw.hex()
    yield raw.hex().upper()
    yield base64.b64encode(raw).decode()
    yield base64.urlsafe_b64encode(raw).decode()
    for offset in range(3):
        yield from _base64(raw, offset)
    yield from (quote(part, safe=""), quote(part), quote_plus(part), quote_plus(part, safe="/"))
    for ascii_only in (True, False):
        escaped = json.dumps(part, ensure_ascii=ascii_only)[1:-1]
        yield escaped
        yield escaped.replace("/", "\\/")


def _base64(raw: bytes, offset: int) -> Iterator[str]:
    """Base64 of the bytes where they begin `offset` bytes into a group of three, as in `base64("user:" + secret)`.

    Characters that also carry bits of the neighbours are left out, so that the form is found whatever stands around it.
    """
    encoded = base64.b64encode(bytes(offset) + raw).decode()
    first = -(-offset * 8 // 6)
    last = (offset + len(raw)) * 8 // 6
    form = encoded[first:last]
    if len(form) >= SHORTEST:
        yield form
        yield form.replace("+", "-").replace("/", "_")
