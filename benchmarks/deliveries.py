"""How many signed webhook deliveries, each of which starts an instance, are accepted in a second, and how fast at half that load."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

import uvloop

from benchmarks.stack import Stack
from benchmarks.workflows import SECRET

FIRST = 200
"""Deliveries that warm the processes up, and say how many are sent in `SECONDS`."""
SECONDS = 3.0
CONNECTIONS = 32
"""Senders that each wait for the answer before they send again."""
COMMITS = 8
"""Commits in a push, which make it about 6 KB: as long as a small one of GitHub's."""
MADE = 0.5
"""Seconds in which thousands of senders are made, before the first is due: it would be late for all that come after it."""
ACCEPTED = b"HTTP/1.1 202"

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def webhook(stack: Stack) -> dict[str, float]:
    """As many deliveries as 32 senders get accepted, then half as many a second, sent when they are due (open loop)."""
    rate = float(FIRST)
    for seconds in (1.0, 1.0, SECONDS):
        most, answer = uvloop.run(_closed(stack.hooks, _deliveries(rate * seconds)))
        stack.wait(_instance(answer))
        rate = most
    waited, answer = uvloop.run(_open(stack.hooks, _deliveries(most / 2 * SECONDS), most / 2))
    stack.wait(_instance(answer))
    waited.sort()
    return {
        "accepted_per_s": most,
        "half_load_p50_ms": waited[len(waited) // 2] * 1000,
        "half_load_p99_ms": waited[int(len(waited) * 0.99)] * 1000,
    }


async def _closed(hooks: str, deliveries: Sequence[bytes]) -> tuple[float, bytes]:
    """Deliveries accepted in a second, and the last answer."""
    connections = await _connect(hooks)
    left = iter(deliveries)

    async def sender(connection: Connection) -> bytes:
        answer = b""
        for delivery in left:  # one iterator for all: who is free takes the next
            answer = await _send(connection, delivery)
        return answer

    began = time.perf_counter()
    answers = await asyncio.gather(*map(sender, connections))
    took = time.perf_counter() - began
    _close(connections)
    return len(deliveries) / took, max(answers)


async def _open(hooks: str, deliveries: Sequence[bytes], rate: float) -> tuple[list[float], bytes]:
    """Seconds from when each was due until it was accepted, waiting for a free connection included, and an answer."""
    connections = await _connect(hooks)
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for connection in connections:
        free.put_nowait(connection)
    began = time.perf_counter() + MADE

    async def sender(number: int, delivery: bytes) -> tuple[float, bytes]:
        due = began + number / rate
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        connection = await free.get()
        answer = await _send(connection, delivery)
        free.put_nowait(connection)
        return time.perf_counter() - due, answer

    sent = await asyncio.gather(*(sender(*each) for each in enumerate(deliveries)))
    _close(connections)
    return [waited for waited, _ in sent], sent[-1][1]


async def _connect(hooks: str) -> list[Connection]:
    address = urlsplit(hooks)
    return [await asyncio.open_connection(address.hostname, address.port) for _ in range(CONNECTIONS)]


def _close(connections: Sequence[Connection]) -> None:
    for _, writer in connections:
        writer.close()


async def _send(connection: Connection, delivery: bytes) -> bytes:
    """One delivery over a kept connection; gives the answer's body. The least of a client, as it takes of the same processors."""
    reader, writer = connection
    writer.write(delivery)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    body = await reader.readexactly(length)
    if not head.startswith(ACCEPTED):
        raise SystemExit(f"a delivery was answered {head!r} {body!r}")
    return body


def _instance(answer: bytes) -> str:
    """The instance that a delivery started."""
    instance: str = json.loads(answer)["instances"][0]["instance"]
    return instance


def _deliveries(count: float) -> Sequence[bytes]:
    return [_delivery() for _ in range(int(count))]


def _delivery() -> bytes:
    """A signed push of its own, as the bytes of a request."""
    body = _push(secrets.token_hex(20))
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "Host": "localhost",
        "User-Agent": "GitHub-Hookshot/benchmark",
        "Content-Type": "application/json",
        "Content-Length": len(body),
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": secrets.token_hex(16),
        "X-Hub-Signature-256": f"sha256={signature}",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /hooks/pushes HTTP/1.1\r\n{lines}\r\n".encode() + body


def _push(head: str) -> bytes:
    person = {"name": "Rosa Author", "email": "rosa@example.com", "username": "rosa"}
    urls = {f"{name}_url": f"https://git.example.com/repos/acme/billing/{name}" for name in ("html", "git", "keys")}
    commits = [
        {
            "id": secrets.token_hex(20),
            "message": f"Change {number}\n\nWhat was wrong, and why this is right.",
            "timestamp": "2026-01-01T12:00:00Z",
            "author": person,
            "committer": person,
            "modified": [f"service/part_{number}/module_{each}.py" for each in range(6)],
        }
        for number in range(COMMITS)
    ]
    repository = {"id": 1, "name": "billing", "full_name": "acme/billing", "private": True, "owner": person, **urls}
    push = {"ref": "refs/heads/main", "after": head, "repository": repository, "pusher": person, "commits": commits}
    return json.dumps(push).encode()
