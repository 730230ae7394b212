"""Whether a request that would change something came from our own pages (ASVS 3.5): no other site may make a browser send it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from engine.errors import Forbidden

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def refuse_foreign(method: str, headers: Mapping[str, str]) -> None:
    """Raises Forbidden for a state-changing request that a browser says came from another origin.

    Programs send neither header and pass: they hold no cookie that somebody else could make use of.
    """
    if method in SAFE:
        return
    site = headers.get("sec-fetch-site")
    if site is not None:
        if site not in {"same-origin", "none"}:
            raise Forbidden("the request comes from another site")
        return  # the browser's own word; behind a proxy that changes `Host` the origin would tell less
    origin = headers.get("origin")
    if origin is not None and _place(origin) != headers.get("host", "").casefold():
        raise Forbidden("the request comes from another origin")


def _place(origin: str) -> str | None:
    """Host and port; None for what is no origin."""
    try:
        return urlsplit(origin).netloc.casefold()
    except ValueError:
        return None


@lru_cache(16)
def is_loopback(host: str) -> bool:
    """Whether a host name or address, without a port, can only mean this machine."""
    if host.casefold() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


@lru_cache(16)
def host_name(header: str) -> str:
    """The name in a `Host` header: `[::1]:8080` gives `::1`."""
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""
