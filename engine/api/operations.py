"""What an operation of the API is: one description from which its route, its checks and its documentation are made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Literal, TypeVar

from pydantic import BaseModel

from engine.app.services import Services
from engine.errors import Broken

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, read and checked: `query` and `body` are instances of the operation's models."""

    services: Services
    path: Mapping[str, str]
    url: str
    query: BaseModel | None
    body: BaseModel | None
    headers: Mapping[str, str]
    closing: Event
    """Set when the process is about to end: whoever waits answers with what is known."""

    def asked(self, model: type[M]) -> M:
        """The query as this model."""
        return _as(model, self.query)

    def sent(self, model: type[M]) -> M:
        """The body as this model."""
        return _as(model, self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A body that is read while it is sent; `close` is called at its end, also if nobody waits for it any more."""

    chunks: Iterator[bytes]
    close: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a handler gives back. `body` is a model, or text or a stream where the operation's `media` is not JSON."""

    body: BaseModel | str | Stream | Mapping[str, Any]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A request header: a text of 1 to `longest` characters, or none at all."""

    name: str
    description: str
    longest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path. `waits` tells whether a call may block its thread for long."""

    method: Literal["GET", "POST"]
    path: str
    id: str
    summary: str
    tag: str
    handler: Callable[[Call], Answer]
    answer: type[BaseModel] | None = None
    status: int = 200
    alike: tuple[int, ...] = ()
    """Other statuses with the same answer."""
    media: str = "application/json"
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    headers: tuple[Header, ...] = ()
    """Request headers that it reads."""
    problems: tuple[int, ...] = ()
    """Statuses of its own beside those that every operation may answer."""
    public: bool = False
    """Whether it may be called without a token."""
    waits: Callable[[Call], bool] = lambda _: False


def _as(model: type[M], value: BaseModel | None) -> M:
    if not isinstance(value, model):
        raise Broken(f"the operation does not declare {model.__name__}")
    return value
