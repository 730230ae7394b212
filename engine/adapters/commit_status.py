"""Sets commit statuses at GitHub, https://docs.github.com/en/rest/commits/statuses (also GitHub Enterprise)."""

from __future__ import annotations

import re
from http import HTTPStatus
from urllib.parse import urlsplit

from engine.errors import Rejected, Unavailable

CONTEXT = "headrace"
TIMEOUT = 10.0
"""Seconds for each step of the call."""

_PUBLIC_API, _PUBLIC_HOST = "api.github.com", "github.com"
_SCP = re.compile(r"(?:[^@/]+@)?(?P<host>[^:/]+):(?P<path>[^:]+)")
_REPOSITORY = re.compile(r"/?(?P<owner>[A-Za-z0-9_.-]+)/(?P<name>[A-Za-z0-9_.-]+?)(?:\.git)?/?")


class GitHubStatuses:
    """Implements `ports.CommitStatuses`."""

    def tell(self, *, remote: str, url: str, token: str, sha: str, good: bool, description: str) -> bool:
        """Mark the commit; False if the remote does not lie at the host that the API `url` belongs to.

        Raises Unavailable (no answer, 5xx, 429), Rejected (the token, the commit).
        """
        place = repository(remote, url)
        if place is None:
            return False
        import httpx  # several MiB for those who tell GitHub

        body = {"state": "success" if good else "error", "description": description, "context": CONTEXT}
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
        try:
            answer = httpx.post(
                f"{url.rstrip('/')}/repos/{place}/statuses/{sha}", json=body, headers=headers, timeout=TIMEOUT
            )
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise Unavailable("the commit status API", type(error).__name__) from None
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            raise Unavailable("the commit status API", f"it answered {answer.status_code}")
        if not answer.is_success:
            raise Rejected(f"the commit status API answered {answer.status_code}")
        return True


def repository(remote: str, url: str) -> str | None:
    """`owner/name` of a remote at GitHub, or at the enterprise host whose API is at `url`; None for any other.

    >>> repository("git@github.com:acme/flows.git", "https://api.github.com")
    'acme/flows'
    """
    host, path = _parts(remote)
    api = (urlsplit(url).hostname or "").lower()
    found = _REPOSITORY.fullmatch(path)
    # The token goes to the host of `url`: it must be the one that the commits come from.
    if found is None or host != (_PUBLIC_HOST if api == _PUBLIC_API else api):
        return None
    return f"{found['owner']}/{found['name']}"


def _parts(remote: str) -> tuple[str, str]:
    if "://" in remote:
        parts = urlsplit(remote)
        return ((parts.hostname or "").lower(), parts.path) if parts.scheme in {"https", "ssh"} else ("", "")
    scp = _SCP.fullmatch(remote)
    return (scp["host"].lower(), scp["path"]) if scp else ("", "")
