"""Bodies that are made to exhaust the process (RELIABILITY S2), over raw sockets to the real server."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import httpx
import psutil
import pytest

from tests.webhooks.engine import Engine, github, push
from tests.webhooks.serving import serve

MIB = 1024 * 1024


@pytest.fixture
def hasty(engine: Engine) -> Iterator[httpx.Client]:
    """A server that gives a body half a second."""
    with serve(engine.app(patience=0.5)) as client:
        yield client


def connection(client: httpx.Client) -> socket.socket:
    return socket.create_connection((client.base_url.host, client.base_url.port or 80), timeout=10)


def head(path: str, *lines: str) -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: x", *lines, "", ""]).encode()


def answer(peer: socket.socket) -> bytes:
    """Everything until the server closes the connection."""
    parts = []
    try:
        while part := peer.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass  # we were still sending
    return b"".join(parts)


def test_a_declared_length_is_refused_before_a_byte_is_read(client: httpx.Client):
    with connection(client) as peer:
        peer.sendall(head("/hooks/github", f"Content-Length: {1024 * MIB}"))
        given = answer(peer)
    assert given.startswith(b"HTTP/1.1 413")
    assert b"application/problem+json" in given


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "1 1", "9" * 5000])
def test_lengths_that_are_none(client: httpx.Client, length: str):
    with connection(client) as peer:
        peer.sendall(head("/hooks/github", f"Content-Length: {length}"))
        assert answer(peer).split(b" ")[1] in {b"400", b"413"}


def test_a_gigabyte_in_chunks_is_cut_off_after_the_limit(client: httpx.Client):
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    before = psutil.Process().memory_info().rss
    sent = 0
    with connection(client) as peer:
        peer.sendall(head("/hooks/github", "Transfer-Encoding: chunked"))
        try:
            while sent < 1024 * MIB:
                peer.sendall(chunk)
                sent += len(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert answer(peer).startswith(b"HTTP/1.1 413")
    assert sent < 16 * MIB  # one of ours, the rest in the sockets' buffers
    assert psutil.Process().memory_info().rss - before < 20 * MIB


def test_a_body_that_trickles_in_is_given_up(hasty: httpx.Client, engine: Engine):
    body = push()
    headers = [f"{name}: {value}" for name, value in github(body).items()]
    with connection(hasty) as peer:
        started = time.monotonic()
        peer.sendall(head("/hooks/github", f"Content-Length: {len(body)}", *headers))
        peer.settimeout(0.05)
        given = b""
        for byte in body:
            peer.sendall(bytes([byte]))
            try:
                given = peer.recv(65536)
                break
            except TimeoutError:
                continue
        assert time.monotonic() - started < 5
    assert given.startswith(b"HTTP/1.1 408")
    assert engine.deliveries() == []


def test_a_sender_that_goes_away_leaves_nothing(client: httpx.Client, engine: Engine):
    body = push()
    headers = [f"{name}: {value}" for name, value in github(body).items()]
    with connection(client) as peer:
        peer.sendall(head("/hooks/github", f"Content-Length: {len(body)}", *headers) + body[:-1])
    good = push("ffff")
    assert client.post("/hooks/github", content=good, headers=github(good)).status_code == 202
    assert len(engine.deliveries()) == 1


def test_an_unknown_source_reads_no_body(client: httpx.Client):
    with connection(client) as peer:
        peer.sendall(head("/hooks/nope", "Content-Length: 1000000"))
        assert answer(peer).startswith(b"HTTP/1.1 404")


def test_chunked_bodies_are_welcome(client: httpx.Client, engine: Engine):
    body = push()
    parts = (body[at : at + 7] for at in range(0, len(body), 7))
    assert client.post("/hooks/github", content=parts, headers=github(body)).status_code == 202
    assert engine.deliveries()[0].body == body
