"""A call of a kind, and a web server that answers as a test tells it to."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest

from engine.app.kinds import Call


@dataclass
class Lines:
    """A log that a test can read."""

    lines: list[tuple[str, str]] = field(default_factory=list)

    def line(self, stream: str, text: str) -> None:
        self.lines.append((stream, text))

    def flush(self) -> None:
        pass


def call(params: dict[str, Any], **changes: Any) -> Call:
    """One attempt, of task `deploy` of instance `i1`."""
    values = {
        "instance": "i1",
        "path": "deploy",
        "attempt": 1,
        "workflow": "release",
        "idempotency_key": "i1/deploy",
        "params": params,
        "stop": Event(),
        "log": Lines(),
    }
    return Call(**(values | changes))


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Web:
    """A server on loopback. `answers` by path; every request and every connection is remembered."""

    port: int
    answers: dict[str, Answer] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    connections: list[Any] = field(default_factory=list)
    released: Event = field(default_factory=Event)
    """Ends the answers that would otherwise never end."""

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def says(
        self,
        path: str,
        body: bytes = b"",
        *,
        status: int = 200,
        mime: str = "application/json",
        packed: bool = False,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        content = gzip.compress(body) if packed else body

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            handler.send_header("Content-Type", mime)
            handler.send_header("Content-Length", str(len(content)))
            if packed:
                handler.send_header("Content-Encoding", "gzip")
            for name, value in headers:
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(content)

        self.answers[path] = answer


@pytest.fixture
def web() -> Iterator[Web]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            site.requests.append(Request(self.command, self.path, dict(self.headers.items()), body))
            site.answers[self.path.partition("?")[0]](self)

        do_GET = do_POST = do_PUT = do_HEAD = handle_any  # noqa: N815 - names that http.server looks for

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def process_request(self, request: Any, client_address: Any) -> None:
            site.connections.append(client_address)
            super().process_request(request, client_address)

        def handle_error(self, *_: Any) -> None:
            pass  # clients that give up are the point of some tests

    server = Server(("127.0.0.1", 0), Handler)
    site = Web(server.server_address[1])
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield site
    site.released.set()
    server.shutdown()
    thread.join()
    server.server_close()
