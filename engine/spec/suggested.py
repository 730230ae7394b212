"""Finds the word that a suggestion would replace, so that editors can offer it as an edit."""

from __future__ import annotations

import re

_QUOTED = re.compile(r'"([^"]+)"')
_WORD = re.compile(r"""["']?([\w.-]+)["']?""")


def wrong_word(written: str, message: str) -> tuple[int, int] | None:
    """Where in `written` the word stands that `message` is about; None where that is not plain.

    Messages quote it, and it is the last of the quoted ones: `task "ship" needs "tset"`, written `tset.failed`.
    """
    for word in reversed(_QUOTED.findall(message)):
        places = [match.span() for match in re.finditer(rf"(?<![\w-]){re.escape(word)}(?![\w-])", written)]
        if len(places) == 1:
            return places[0]
    whole = _WORD.fullmatch(written)
    return whole.span(1) if whole else None
