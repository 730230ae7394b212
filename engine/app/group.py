"""Work on many things at once, such that one bad one among them does not hold up the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog

from engine.errors import Unavailable

Item = TypeVar("Item")
Made = TypeVar("Made")

_log = structlog.get_logger(__name__)


def together(act: Callable[[Sequence[Item]], Sequence[Made]], items: Sequence[Item]) -> list[Made | Exception]:
    """What `act` makes of all of them; if it cannot, of each by itself. An error is the outcome of those it is about."""
    if not items:
        return []
    try:
        return [*act(items)]
    except Unavailable as error:
        return [error] * len(items)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one of them
        if len(items) == 1:
            return [error]
        _log.warning("group failed, taken one by one", size=len(items), error=repr(error))
        return separately(lambda item: act([item])[0], items)


def separately(act: Callable[[Item], Made], items: Sequence[Item]) -> list[Made | Exception]:
    """What `act` makes of each. What does not answer for one is not asked, and waited for, on behalf of the rest."""
    outcomes: list[Made | Exception] = []
    for item in items:
        try:
            outcomes.append(act(item))
        except Unavailable as error:
            return outcomes + [error] * (len(items) - len(outcomes))
        except Exception as error:  # noqa: BLE001 - as above
            outcomes.append(error)
    return outcomes
