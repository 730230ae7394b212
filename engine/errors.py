"""Every error raised on purpose, found by its consequence: who has to do what next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class HeadraceError(Exception):
    """The root: catch it only where a loop or a request ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with a value, `pointer` being an RFC 6901 JSON Pointer to it."""

    pointer: str
    detail: str


class Rejected(HeadraceError):
    """The caller's request cannot be done as asked; never retried. HTTP answers `status`, `slug` names the problem type."""

    status = 400
    slug = "rejected"
    title = "The request was rejected"

    def __init__(self, detail: str, *, problems: Sequence[Problem] = ()) -> None:
        self.detail = detail
        self.problems = tuple(problems)
        super().__init__(detail)


class Invalid(Rejected):
    """A value does not fit its schema or a check refused it."""

    status = 422
    slug = "invalid"
    title = "The values do not fit"


class Unauthenticated(Rejected):
    """No credentials, or wrong ones."""

    status = 401
    slug = "unauthenticated"
    title = "Credentials are missing or wrong"


class Forbidden(Rejected):
    """Known, but not allowed to do this."""

    status = 403
    slug = "forbidden"
    title = "You may not do this"


class NotFound(Rejected):
    """What was named does not exist."""

    status = 404
    slug = "not-found"
    title = "Not found"

    def __init__(self, what: str, name: str, *, suggestion: str | None = None) -> None:
        self.what = what
        self.name = name
        hint = f"; did you mean {suggestion!r}?" if suggestion else ""
        super().__init__(f"there is no {what} {name!r}{hint}")


class Conflict(Rejected):
    """The thing is in a state in which this makes no sense."""

    status = 409
    slug = "conflict"
    title = "The state does not allow this"


class TooLarge(Rejected):
    """More bytes than the limit, refused before they were read."""

    status = 413
    slug = "too-large"
    title = "Too large"

    def __init__(self, what: str, limit: int) -> None:
        self.limit = limit
        super().__init__(f"{what} is larger than {limit} bytes")


class Malformed(Rejected):
    """Bytes that are not what they claim to be (JSON, YAML, a form)."""

    slug = "malformed"
    title = "Malformed"


class Newer(Malformed):
    """Of a kind, or with a field, that this version does not know: a process of a newer one may, so messages are put off."""


class Unavailable(HeadraceError):
    """Something we depend on does not answer; nothing was lost, try again. HTTP answers 503."""

    status = 503
    slug = "unavailable"
    title = "Temporarily unavailable"

    def __init__(self, what: str, detail: str = "") -> None:
        self.what = what
        super().__init__(f"{what} is unavailable" + (f": {detail}" if detail else ""))


class Misconfigured(HeadraceError):
    """A setting is missing or wrong: the process says which and exits with status 2."""

    def __init__(self, setting: str, detail: str) -> None:
        self.setting = setting
        super().__init__(f"{setting}: {detail}")


class Broken(HeadraceError):
    """A promise of our own was broken (a bug, or corrupted data); logged loudly, never swallowed."""
