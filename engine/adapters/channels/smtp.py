"""E-mail over SMTP: plain text, one message for each send, nothing that could smuggle a header."""

from __future__ import annotations

import re
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from urllib.parse import unquote, urlsplit

from engine.app.records import Outgoing
from engine.errors import Misconfigured, Rejected, Unavailable

TIMEOUT = 10.0
"""Seconds that the server may take for each answer."""
PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
_ADDRESS = re.compile(r"[^\s@<>()\[\],:;\"\\]{1,64}@[^\s@<>()\[\],:;\"\\]{1,255}")
_PERMANENT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A mail server, as its URL names it."""

    scheme: str
    host: str
    port: int
    user: str
    password: str


def server(url: str) -> Server:
    """Read `smtp://USER:PASSWORD@HOST:PORT`, `smtps://…` or `smtp+starttls://…`. Raises Misconfigured, without the password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Misconfigured("HEADRACE_SMTP_URL", "cannot be read") from None
    if parts.scheme not in PORTS or not parts.hostname:
        raise Misconfigured("HEADRACE_SMTP_URL", f"must start with one of {', '.join(PORTS)} and name a host")
    return Server(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port or PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


class SmtpChannel:
    """Sends through one mail server. `to` is for messages that name nobody themselves."""

    def __init__(self, server: Server, sender: str, to: tuple[str, ...] = ()) -> None:
        self._server = server
        self._sender = sender
        self._to = to

    def send(self, message: Outgoing) -> None:
        """Hand the message to the server. Raises Rejected (an address, a header), Unavailable (the server)."""
        mail = self._written(message)
        try:
            with self._connected() as connection:
                if self._server.user:
                    connection.login(self._server.user, self._server.password)
                refused = connection.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            raise _refusal(error.recipients) from None
        except smtplib.SMTPResponseException as error:
            # The reply to AUTH could quote what was sent: only its code is passed on.
            detail = f"the mail server answered {error.smtp_code}"
            raise (Rejected(detail) if error.smtp_code >= _PERMANENT else Unavailable("mail", detail)) from None
        except (smtplib.SMTPNotSupportedError, UnicodeEncodeError) as error:
            raise Rejected(f"the mail server cannot take this message: {error}") from None
        except (OSError, smtplib.SMTPException) as error:
            raise Unavailable("mail", f"{self._server.host}:{self._server.port}: {type(error).__name__}") from None
        if refused:
            raise _refusal(refused)

    def _connected(self) -> smtplib.SMTP:
        server, name = self._server, self._domain()
        if server.scheme == "smtps":
            trusted = ssl.create_default_context()
            return smtplib.SMTP_SSL(server.host, server.port, name, timeout=TIMEOUT, context=trusted)
        connection = smtplib.SMTP(server.host, server.port, name, timeout=TIMEOUT)
        if server.scheme == "smtp+starttls":
            try:
                connection.starttls(context=ssl.create_default_context())
            except BaseException:
                connection.close()
                raise
        return connection

    def _written(self, message: Outgoing) -> EmailMessage:
        to = message.to or self._to
        if not to:
            raise Rejected("the message names nobody to send it to")
        for address in (self._sender, *to):
            if not _ADDRESS.fullmatch(address):
                raise Rejected(f"{address!r} is no e-mail address")
        mail = EmailMessage(policy=SMTP)
        try:
            mail["From"] = self._sender
            mail["To"] = ", ".join(to)
            mail["Subject"] = message.subject
        except ValueError:
            raise Rejected("the subject of a message must be one line") from None
        mail["Date"] = formatdate(localtime=False)
        mail["Message-ID"] = make_msgid(domain=self._domain())
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: out-of-office robots do not answer it
        mail.set_content(_body(message))
        return mail

    def _domain(self) -> str:
        return self._sender.rpartition("@")[2]


def _body(message: Outgoing) -> str:
    links = "\n".join(f"{label}:\n{url}\n" for label, url in message.links)
    return f"{message.text}\n\n{links}" if links else f"{message.text}\n"


def _refusal(recipients: dict[str, tuple[int, bytes]]) -> Rejected | Unavailable:
    detail = "; ".join(f"{address}: {code}" for address, (code, _) in recipients.items())
    if any(code < _PERMANENT for code, _ in recipients.values()):
        return Unavailable("mail", detail)
    return Rejected(f"the mail server refused {detail}")
