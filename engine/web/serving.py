"""Serves an ASGI app until it is told to stop, and then stops at once: nobody who waits for an answer holds it up."""

from __future__ import annotations

from types import FrameType

import uvicorn
from starlette.applications import Starlette

GRACE = 10
"""Seconds that requests under way have to end once we are told to stop."""


class Server(uvicorn.Server):
    """One app on one address. `app.state.closing`, a threading.Event if there is one, is set as soon as it has to stop."""

    def __init__(self, app: Starlette, *, host: str, port: int) -> None:
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            log_config=None,
            access_log=False,  # a personal link's path is a secret
            server_header=False,
            timeout_graceful_shutdown=GRACE,
            timeout_keep_alive=30,
        )
        super().__init__(config)
        self._closing = getattr(app.state, "closing", None)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called by a signal."""
        self.close()
        super().handle_exit(sig, frame)

    def close(self) -> None:
        """Stop serving; for threads that no signal reaches. `run` returns soon after."""
        if self._closing is not None:
            self._closing.set()
        self.should_exit = True
