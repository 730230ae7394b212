"""Ports to listen on that are nobody's until this process ends: not a client's, not those of a session beside this one."""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from threading import Lock

EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


class Ports:
    """Gives out each of the candidates once, unless another process was given it or somebody listens on it.

    Processes agree by locks on a file, a byte for each port. The system lets go of them when the process ends, however.
    """

    def __init__(self, candidates: Iterable[int]) -> None:
        self._left = iter(candidates)
        self._alone = Lock()

    def take(self) -> int:
        """The next. Raises StopIteration if none is left."""
        with self._alone:
            return next(port for port in self._left if _claim(port) and _is_free(port))


@cache
def _claims() -> int:
    """The file, open until the process ends: to close it anywhere in the process would give up all claims."""
    return os.open(Path(tempfile.gettempdir(), f"headrace-test-ports-{os.getuid()}"), os.O_RDWR | os.O_CREAT, 0o600)


def _claim(port: int) -> bool:
    try:
        fcntl.lockf(_claims(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def ephemeral(said: str) -> range:
    """The ports that the kernel gives to connections, and to whoever asks for any port."""
    first, last = map(int, said.split())
    return range(first, last + 1)


def _candidates() -> Iterator[int]:
    """Where the kernel keeps no range, as on a Mac, it gives out those from 49152; where it keeps all, there is no better."""
    taken = ephemeral(EPHEMERAL.read_text() if EPHEMERAL.exists() else "49152 65535")
    every = [port for port in range(16_384, 65_536) if port not in taken] or list(range(16_384, 32_768))
    start = os.getpid() * 61 % len(every)  # a port just left may be closing still
    return iter([*every[start:], *every[:start]])


_ports = Ports(_candidates())


def free_port() -> int:
    """A loopback port to listen on now or later, or on which nobody listens for as long as this process runs."""
    return _ports.take()
