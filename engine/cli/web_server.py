"""uvicorn as a part of a process: started with the other parts, stopped in time with them."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import suppress
from threading import Event, Thread

import structlog
import uvicorn
from starlette.applications import Starlette

from engine.errors import Misconfigured

PATIENCE = 20.0
"""Seconds until a server that does not come up is given up."""
BACKLOG = 2048
"""Connections that may wait to be taken up: a burst of webhooks must not meet a closed door."""

TICK = 1.0
"""Seconds between two looks at the clock, for the header `Date`."""

_log = structlog.get_logger(__name__)


class WebServer:
    """Serves an app on an address, in a thread of its own. `app.state.closing`, where there is one, is set before the end.

    `name` is that of the settings: HEADRACE_<NAME>_HOST and _PORT.
    """

    def __init__(self, app: Starlette, *, name: str, host: str, port: int) -> None:
        self._app = app
        self._name = name
        self._host = host
        self._port = port
        self._server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=10,
                lifespan="off",
            )
        )
        self._thread = Thread(target=self._serve, name=name, daemon=True)
        self._sockets: list[socket.socket] = []

    def start(self) -> None:
        """Listen. Raises Misconfigured if the address cannot be had."""
        address = f"{self._host}:{self._port}"
        try:
            self._sockets = _listen(self._host, self._port)
        except (OSError, OverflowError) as error:
            settings = f"HEADRACE_{self._name.upper()}_HOST and HEADRACE_{self._name.upper()}_PORT"
            raise Misconfigured(settings, f"cannot listen on {address}: {error}") from None
        self._thread.start()
        deadline = time.monotonic() + PATIENCE
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise Misconfigured(self._name, f"the server on {address} did not come up")
            time.sleep(0.005)
        _log.info("listening", server=self._name, address=address)

    def stop(self, timeout: float) -> None:
        """Take no new connections, answer what is under way (waits end at once), close."""
        closing = getattr(self._app.state, "closing", None)
        if isinstance(closing, Event):
            closing.set()
        self._server.end()
        self._thread.join(timeout)

    def _serve(self) -> None:
        self._server.run(sockets=self._sockets)


class _Server(uvicorn.Server):
    """Is told when to end, where uvicorn's own wakes up ten times a second to see whether it is to."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        """Until the end."""
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), TICK)

    def end(self) -> None:
        """From any thread."""
        self.should_exit = True
        if self._loop is not None:
            with suppress(RuntimeError):  # it has ended already
                self._loop.call_soon_threadsafe(self._ending.set)


def _listen(host: str, port: int) -> list[socket.socket]:
    """A socket for each address that a name stands for (`localhost`: both families). Raises OSError, OverflowError."""
    opened: list[socket.socket] = []
    try:
        for family, _, _, _, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            made = socket.socket(family, socket.SOCK_STREAM)
            opened.append(made)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            made.bind(address)
            made.listen(BACKLOG)
    except BaseException:
        for made in opened:
            made.close()
        raise
    return opened
