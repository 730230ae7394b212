"""Turns whatever ended an attempt into the error its instance keeps: a stable kind, no secrets, no more than can be stored."""

from __future__ import annotations

import traceback

import structlog

from engine.app.kinds import Failed
from engine.app.masking import Masker
from engine.app.storable import unstorable
from engine.core.expressions.errors import EvaluationError
from engine.core.state import TaskError
from engine.core.values import Json
from engine.errors import NotFound, Unavailable

MAX_MESSAGE = 1_000
MAX_TEXT = 2_000
"""Characters of each text in the details."""
MAX_ENTRIES = 50

_log = structlog.get_logger(__name__)


def attempt_error(error: Exception, masker: Masker) -> TaskError:
    """The error of an attempt. What no kind raises on purpose is `internal`, and the engine's log has where it came from."""
    kind, message = _named(error, masker)
    found = TaskError(kind=kind, message=_text(masker.text(message))[:MAX_MESSAGE])
    if isinstance(error, Failed) and error.details:
        # Masked before it is cut, or half a secret could stay.
        details = _bounded(masker.value(error.details))
        found["details"] = {} if unstorable(details) else details
    if isinstance(error, EvaluationError) and error.position is not None:
        found["line"], found["column"] = error.position.line, error.position.column
    return found


def _named(error: Exception, masker: Masker) -> tuple[str, str]:
    if isinstance(error, Failed):
        return error.kind, error.message
    if isinstance(error, EvaluationError):
        return error.kind, error.message
    if isinstance(error, NotFound):
        return "secret", error.detail
    if isinstance(error, Unavailable):
        return "unavailable", str(error)
    _log.error("attempt_broke", traceback=masker.text("".join(traceback.format_exception(error))))
    return "internal", f"{type(error).__name__}: {error}"


def _bounded(value: Json) -> Json:
    if isinstance(value, str):
        return _text(value)[:MAX_TEXT]
    if isinstance(value, dict):
        return {_text(str(key))[:MAX_TEXT]: _bounded(entry) for key, entry in list(value.items())[:MAX_ENTRIES]}
    if isinstance(value, list | tuple):
        return [_bounded(entry) for entry in value[:MAX_ENTRIES]]
    return value


def _text(text: str) -> str:
    return text.replace("\x00", "\N{SYMBOL FOR NULL}").encode("utf-8", "replace").decode()
