"""Holds a signature against a raw body. Every comparison takes the same time, whatever is compared (RELIABILITY S5)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable


def signed(body: bytes, given: bytes, secrets: Iterable[bytes], *, prefix: bytes = b"") -> bool:
    """Whether `given` is `prefix` and the hex HMAC-SHA256 of the body under one of the secrets; an empty secret signs nothing.

    The convention of GitHub (`sha256=…`), Bitbucket and Gitea (without a prefix).
    """
    found = False
    for secret in secrets:
        expected = prefix + hmac.new(secret, body, hashlib.sha256).hexdigest().encode()
        found |= hmac.compare_digest(expected, given) and bool(secret)
    return found
