"""uvicorn as a part of a process: started with the other parts, stopped in time with them."""

from __future__ import annotations

import time
from threading import Event, Thread

import uvicorn
from starlette.applications import Starlette

from engine.errors import Misconfigured

PATIENCE = 20.0
"""Seconds until a server that does not listen is given up."""


class WebServer:
    """Serves an app on an address of its own thread. `app.state.closing`, where there is one, is set before the end."""

    def __init__(self, app: Starlette, *, name: str, host: str, port: int) -> None:
        self._app = app
        self._address = f"{host}:{port}"
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=10,
                lifespan="off",
            )
        )
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._failure: BaseException | None = None

    def start(self) -> None:
        """Listen. Raises Misconfigured if the address cannot be had."""
        self._thread.start()
        deadline = time.monotonic() + PATIENCE
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise Misconfigured("host and port", f"cannot listen on {self._address}") from self._failure
            time.sleep(0.005)

    def stop(self, timeout: float) -> None:
        """Take no new connections, answer what is under way (waits end at once), close."""
        closing = getattr(self._app.state, "closing", None)
        if isinstance(closing, Event):
            closing.set()
        self._server.should_exit = True
        self._thread.join(timeout)

    def _run(self) -> None:
        try:
            self._server.run()
        except SystemExit as error:  # uvicorn's way of saying that the port is taken; it has logged which
            self._failure = error
