"""A Slack channel, through the URL of an incoming webhook that is kept as a secret."""

from __future__ import annotations

import logging
from http.client import HTTPException
from urllib.parse import quote

from slack_sdk.errors import SlackClientError
from slack_sdk.webhook import WebhookClient

from engine.app.ports import Secrets
from engine.app.records import Outgoing
from engine.errors import Rejected, Unavailable

TIMEOUT = 10
"""Seconds."""
LONGEST = 30_000
"""Characters of a message; Slack cuts at 40,000."""
_OK, _TOO_MANY, _SERVER_ERROR = 200, 429, 500


class SlackChannel:
    """Posts to one incoming webhook. Nothing in a message can mention people, hide a link or be unfurled."""

    def __init__(self, secrets: Secrets, secret: str) -> None:
        self._secrets = secrets
        self._secret = secret
        # The client logs the URL, which is the secret, as soon as debug logging is on: it gets a logger that is deaf.
        self._deaf = logging.Logger("slack", level=logging.CRITICAL + 1)  # noqa: LOG001 - one that no configuration reaches

    def send(self, message: Outgoing) -> None:
        """Post it. Raises Rejected (Slack will never take it), Unavailable, NotFound (the secret)."""
        url = self._secrets.get(self._secret)
        if not url.startswith(("https://", "http://")):
            raise Rejected(f"the secret {self._secret!r} holds no URL")
        client = WebhookClient(url, timeout=TIMEOUT, logger=self._deaf, retry_handlers=[])
        try:
            answer = client.send(text=_text(message), unfurl_links=False, unfurl_media=False)
        except (OSError, HTTPException, SlackClientError, ValueError) as error:
            raise Unavailable("Slack", type(error).__name__) from None
        if answer.status_code == _TOO_MANY or answer.status_code >= _SERVER_ERROR:
            raise Unavailable("Slack", f"it answered {answer.status_code}")
        if answer.status_code != _OK:
            raise Rejected(f"Slack answered {answer.status_code}: {answer.body[:100]}")


def _text(message: Outgoing) -> str:
    links = [f"<{quote(url, safe=':/?&=#%@+,;~')}|{_escaped(label).replace('|', '/')}>" for label, url in message.links]
    text = f"*{_escaped(message.subject)}*\n{_escaped(message.text)}"
    return "\n".join([text[:LONGEST], *links])


def _escaped(text: str) -> str:
    """Slack's three control characters (its "Formatting text for app surfaces"); without them `<!channel>` mentions nobody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
