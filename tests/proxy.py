"""A port in front of a server, where its answers can be lost on their way."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Lock, Thread
from typing import Literal

Fate = Literal["passed", "swallowed", "cut"]
"""Of what a server answers: delivered; lost, with all behind it, on a connection that stays open; lost with the connection.

Nothing gets lost out of the middle: what a connection brings is in order and whole, or does not come.
"""


class Proxy:
    """Passes bytes both ways. `fate` is asked about every piece of an answer; `counts` says how often which came up."""

    def __init__(self, port: int) -> None:
        self.fate: Callable[[bytes], Fate] = _passed
        self.counts = {"passed": 0, "swallowed": 0, "cut": 0}
        self._lock = Lock()
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()

    def lose(self, fate: Fate) -> None:
        """The next piece of an answer has this fate."""

        def once(_data: bytes) -> Fate:
            self.fate = _passed
            return fate

        self.fate = once

    def before(self, url: str) -> str:
        """The same URL by way of this port."""
        return url.replace(f":{self._target}/", f":{self.port}/")

    def serve(self) -> None:
        """Take connections until closed."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            Thread(target=self._connect, args=(client,), daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in list(self._open):
            _end(one)

    def _connect(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            client.close()
            return
        pair = (client, server)
        for one in pair:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open.update(pair)
        asking = Thread(target=self._pass, args=(client, server, _passed), daemon=True)
        asking.start()
        self._pass(server, client, self._counted)
        asking.join()
        self._open.difference_update(pair)
        for one in pair:
            one.close()

    def _pass(self, source: socket.socket, sink: socket.socket, fate: Callable[[bytes], Fate]) -> None:
        try:
            while data := source.recv(65536):
                match fate(data):
                    case "passed":
                        sink.sendall(data)
                    case "swallowed":
                        fate = _swallowed
                    case "cut":
                        break
        except OSError:
            pass
        _end(source)
        _end(sink)

    def _counted(self, data: bytes) -> Fate:
        fate = self.fate(data)
        with self._lock:
            self.counts[fate] += 1
        return fate


@contextmanager
def proxy(port: int) -> Iterator[Proxy]:
    """A proxy that serves as long as the block lasts."""
    made = Proxy(port)
    Thread(target=made.serve, daemon=True).start()
    try:
        yield made
    finally:
        made.close()


def _passed(_data: bytes) -> Fate:
    return "passed"


def _swallowed(_data: bytes) -> Fate:
    return "swallowed"


def _end(one: socket.socket) -> None:
    with suppress(OSError):  # it has ended already
        one.shutdown(socket.SHUT_RDWR)
