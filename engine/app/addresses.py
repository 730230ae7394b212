"""Keeps passwords that stand in addresses out of databases, logs and messages."""

from __future__ import annotations

import re

_USER = re.compile(r"(?<=://)[^/@\s]+(?=@)")


def without_credentials(text: str) -> str:
    """The same text with the user part of every URL in it struck out.

    >>> without_credentials("https://ana:secret@git.example.com/flows")
    'https://***@git.example.com/flows'
    """
    return _USER.sub("***", text)
