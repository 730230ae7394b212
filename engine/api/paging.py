"""Pages of lists: a cursor in the body for programs, the same as a `Link` header for clients that know RFC 8288."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel

from engine.api.models import Page, PageQuery
from engine.api.operations import Answer, Call

T = TypeVar("T", bound=BaseModel)


def page(call: Call, model: type[T], rows: Sequence[Any], query: PageQuery) -> Answer:
    """One page of rows that were read with `limit=query.limit`."""
    cursor = str(rows[-1].id) if len(rows) == query.limit else None
    items = [model.model_validate(row) for row in rows]
    body = Page[T](items=items, next=cursor)
    if cursor is None:
        return Answer(body=body)
    asked = {name: value for name, value in query.model_dump(exclude_defaults=True).items() if value is not None}
    following = f"{call.url}?{urlencode({**asked, 'before': cursor})}"
    return Answer(body=body, headers={"Link": f'<{following}>; rel="next"'})
