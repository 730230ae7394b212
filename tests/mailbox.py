"""A real mail server on loopback that keeps what it is given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller

from tests.ports import free_port


class Mailbox:
    """`mails` as (envelope, message), in order; `refusing` maps an address to the server's answer."""

    def __init__(self, port: int) -> None:
        self.url = f"smtp://127.0.0.1:{port}"
        self.mails: list[tuple[Any, EmailMessage]] = []
        self.refusing: dict[str, str] = {}

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: ARG002, N802 - aiosmtpd's names
        if address in self.refusing:
            return self.refusing[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: ARG002, N802 - aiosmtpd's names
        self.mails.append((envelope, message_from_bytes(envelope.content, policy=default)))
        return "250 OK"

    def text(self, address: str) -> str:
        """The body of the only mail to an address."""
        [message] = [message for envelope, message in self.mails if envelope.rcpt_tos == [address]]
        return message.get_content().replace("\r\n", "\n")


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    port = free_port()
    box = Mailbox(port)
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
