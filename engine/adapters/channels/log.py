"""The channel of last resort: the engine's own log, where people of a small installation look."""

from __future__ import annotations

import structlog

from engine.app.records import Outgoing


class LogChannel:
    """Writes a message as one event of the log; line breaks and control characters of the message cannot break its lines."""

    def __init__(self) -> None:
        self._log = structlog.get_logger("engine.messages")

    def send(self, message: Outgoing) -> None:
        """Never fails."""
        # Somebody has to act on a link: a log that is set to tell only of warnings must show it too.
        tell = self._log.warning if message.links else self._log.info
        said = {
            "to": ", ".join(message.to),
            "links": " ".join(f"{label}: {url}" for label, url in message.links),
            "text": " ".join(message.text.split()),
        }
        tell(_one_line(message.subject), **{name: _one_line(text) for name, text in said.items() if text})


def _one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
