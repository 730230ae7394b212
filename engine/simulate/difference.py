"""Where a value is not the one that was expected, in words and as short as can be."""

from __future__ import annotations

import json
from collections.abc import Iterator

from engine.core.values import Json

MOST = 200
"""Characters of a value that are shown."""


def differences(wanted: Json, got: Json, at: str, *, exact: bool = False) -> Iterator[str]:
    """Each place in which `got` is not as `wanted`. Maps may have more keys, unless `exact`; all else has to be the same."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        for key, value in wanted.items():
            if key in got:
                yield from differences(value, got[key], f"{at}.{key}", exact=exact)
            else:
                yield f"expected {at}.{key} to be {shown(value)}, and there is none"
        if exact:
            yield from (
                f"expected no {at}.{key}, and it is {shown(value)}" for key, value in got.items() if key not in wanted
            )
    elif isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        for index, (one, other) in enumerate(zip(wanted, got, strict=True)):
            yield from differences(one, other, f"{at}[{index}]", exact=exact)
    elif wanted != got or isinstance(wanted, bool) != isinstance(got, bool):
        yield f"expected {at} to be {shown(wanted)}, and it is {shown(got)}"


def shown(value: Json) -> str:
    """A value as JSON, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MOST else text[:MOST] + "…"
