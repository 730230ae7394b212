"""CEL's encoders extension; bytes live only inside an expression: `base64.encode(bytes(text))`, `string(base64.decode(text))`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping

from engine.core.expressions.budget import Run
from engine.core.expressions.errors import Failure
from engine.core.expressions.operators import no_overload
from engine.core.values import Json


def encode(run: Run, value: Json) -> str:
    """`base64.encode(bytes)`."""
    if type(value) is not bytes:
        raise no_overload("base64.encode()", value)
    run.charge_text(2 * len(value))
    return base64.b64encode(value).decode()


def decode(run: Run, text: Json) -> bytes:
    """`base64.decode(text)`, with or without padding."""
    if type(text) is not str:
        raise no_overload("base64.decode()", text)
    run.charge_text(2 * len(text))
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True)
    except (binascii.Error, ValueError):
        msg = "this is no base64 text"
        raise Failure(msg) from None


FUNCTIONS: Mapping[str, Callable[..., Json]] = {"base64.encode": encode, "base64.decode": decode}
