"""Serves an app as the process does, on a port of its own."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from starlette.applications import Starlette

from engine.web.serving import Server


@contextmanager
def serve(app: Starlette) -> Iterator[httpx.Client]:
    """A client of the app behind a real server. Many threads may use it."""
    server = Server(app, host="127.0.0.1", port=0)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            deadline = time.monotonic() + 10
            while not server.started:
                assert time.monotonic() < deadline
                time.sleep(0.005)
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
                yield client
        finally:
            server.close()
            thread.join(15)
