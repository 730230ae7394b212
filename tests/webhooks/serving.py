"""Serves an app as the process does, on a port of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from starlette.applications import Starlette

from engine.cli.web_server import WebServer
from engine.errors import Misconfigured
from tests.ports import free_port


@contextmanager
def serve(app: Starlette) -> Iterator[httpx.Client]:
    """A client of the app behind a real server. Many threads may use it."""
    server, port = _listening(app)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as client:
            yield client
    finally:
        server.stop(15)


def _listening(app: Starlette) -> tuple[WebServer, int]:
    for _ in range(5):
        port = free_port()
        server = WebServer(app, name="test", host="127.0.0.1", port=port)
        try:
            server.start()
        except Misconfigured:
            continue  # somebody was faster
        return server, port
    raise AssertionError("five free ports were taken a moment later")
