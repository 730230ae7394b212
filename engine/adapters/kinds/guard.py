"""Opens connections for `http` tasks: only to addresses that were checked, and never busy for longer than the task may be.

A name is resolved once, every address it has is checked, and one of those very addresses is connected to, so that a name
that resolves to something else a moment later (DNS rebinding) gains nothing. TLS still verifies the name.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from threading import Event
from time import monotonic
from typing import Any, TypeAlias

import httpcore

from engine.adapters.kinds.addresses import Policy
from engine.app.kinds import Failed, Stopped

Resolver: TypeAlias = Callable[[str, int], Sequence[str]]
"""The addresses of a host, given with the port. Raises OSError."""

CONNECT = 10.0
"""Seconds until a connection must stand."""
GLANCE = 0.25
"""Seconds between two looks at whether the task was stopped."""
RECORD = 16_384
"""Bytes written at a time; what TLS sends as one."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How long the request of this thread may go on. `deadline` by the monotonic clock."""

    deadline: float
    stop: Event

    def left(self, at_most: float) -> float:
        """Seconds that the next step may take. Raises Stopped, or Failed when the time is up."""
        if self.stop.is_set():
            raise Stopped
        left = self.deadline - monotonic()
        if left <= 0:
            raise Failed("timeout", "the answer was not complete in time")
        return min(left, at_most)


_budget: ContextVar[Budget] = ContextVar("budget")


@contextmanager
def within(budget: Budget) -> Iterator[None]:
    """Everything that this thread does on guarded connections in the block keeps to the budget."""
    token = _budget.set(budget)
    try:
        yield
    finally:
        _budget.reset(token)


def resolve(host: str, port: int) -> Sequence[str]:
    """The system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Guard(httpcore.NetworkBackend):
    """The network as `http` tasks see it."""

    def __init__(self, policy: Policy, resolver: Resolver) -> None:
        self._policy = policy
        self._resolver = resolver
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - httpcore's interface; the budget decides
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to a host. Raises Failed: `forbidden_address`, `network` (no such name), `timeout`."""
        budget = _budget.get()
        until = monotonic() + CONNECT
        failure: httpcore.NetworkError | httpcore.TimeoutException = httpcore.ConnectError(f"{host} has no address")
        for address in self._checked(host, port):
            seconds = budget.left(until - monotonic())
            if seconds <= 0:
                break
            try:
                stream = self._network.connect_tcp(address, port, seconds, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _Bounded(stream)
        raise failure

    def _checked(self, host: str, port: int) -> Sequence[str]:
        if port not in self._policy.ports:
            raise Failed("forbidden_address", f"port {port} may not be reached; HEADRACE_HTTP_PORTS can allow it")
        try:
            addresses = self._resolver(host, port)
        except (OSError, UnicodeError) as error:
            raise Failed("network", f"{host} cannot be resolved: {error}") from None
        if not self._policy.allows_host(host):
            for address in addresses:
                if not self._policy.allows(address):
                    detail = f"{host} is at {address}, which is not public; HEADRACE_HTTP_ALLOW can allow it"
                    raise Failed("forbidden_address", detail)
        return addresses


class _Bounded(httpcore.NetworkStream):
    """A connection that heeds the budget of whoever uses it now: a peer that sends a byte a minute cannot hold a worker."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the budget decides
        budget = _budget.get()
        while True:
            try:
                return self._stream.read(max_bytes, budget.left(GLANCE))
            except httpcore.ReadTimeout:
                continue

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - the budget decides
        budget = _budget.get()
        for start in range(0, len(buffer), RECORD):
            self._stream.write(buffer[start : start + RECORD], budget.left(CONNECT))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the budget decides
    ) -> httpcore.NetworkStream:
        return _Bounded(self._stream.start_tls(ssl_context, server_hostname, _budget.get().left(CONNECT)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
