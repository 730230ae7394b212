"""Bodies of every kind (RELIABILITY S3): signed ones are stored and get a 400 or a 202, unsigned ones a 401, none a 500."""

from __future__ import annotations

import json
import random
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.app.payload import parse
from engine.app.storable import unstorable
from engine.errors import Malformed
from tests.webhooks.engine import Engine, github, push

MALFORMED = [
    b"",
    b" ",
    b"{",
    b"}",
    b"[1,]",
    b'{"a":}',
    b'{"a" 1}',
    b"{'a': 1}",
    b"{a: 1}",
    b'{"a": 1,}',
    b'{"a": 1} x',
    b"nul",
    b"NaN",
    b"[Infinity]",
    b"-Infinity",
    b"[1e400]",
    b"[-1e400]",
    b"01",
    b"1.",
    b".5",
    b"+1",
    b"0x10",
    b'"\n"',
    b'"\\x41"',
    b'"\\u12"',
    b"\xff\xfe",
    b'"\xc3"',
    b'"\xed\xa0\x80"',
    b"\xef\xbb\xbf{}",
    '{"a": 1}'.encode("utf-16"),
    b'"\\u0000"',
    b'{"\\u0000": 1}',
    b'"\\ud800"',
    b'["\\udc00\\ud800"]',
    b'{"a": 1, "a": 2}',
    b'[{"x": {"k": 1, "k": 1}}]',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"[" * 500 + b"]" * 500,
    b"9" * 5000,
    b"-" + b"9" * 100_000,
    b"// comment\n{}",
    b"\x00",
    b"{}\x00",
]


@pytest.mark.parametrize("body", MALFORMED, ids=lambda body: repr(body[:24]))
def test_what_is_refused(body: bytes):
    with pytest.raises(Malformed) as caught:
        parse(body)
    assert len(caught.value.detail) < 300


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"null", None),
        (b' {"a": [1, 2.5, true, "\\u00e9\\ud83d\\ude00"]} ', {"a": [1, 2.5, True, "é😀"]}),
        (b"9223372036854775807", 2**63 - 1),
        (b"9223372036854775808", 2.0**63),
        (b"1" + b"0" * 300, 1e300),
        (b"-0.0", -0.0),
    ],
)
def test_what_is_read(body: bytes, value: object):
    assert parse(body) == value


@pytest.mark.parametrize(
    "form", [b"", b"payload", b"payload=1&payload=2", b"other={}", b"payload=%ff", b"&" * 200, b"payload={"]
)
def test_forms_that_are_refused(form: bytes):
    with pytest.raises(Malformed):
        parse(form, "application/x-www-form-urlencoded; charset=utf-8")


def test_the_server_answers_every_third(client: httpx.Client, engine: Engine):
    for body in MALFORMED[::3]:
        answer = client.post("/hooks/github", content=body, headers=github(body))
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json"), body[:40]
        assert client.post("/hooks/github", content=body).status_code == 401
    assert engine.started() == []
    stored = engine.instances.deliveries.list(state="failed", limit=200)
    assert {delivery.body for delivery in stored} == set(MALFORMED[::3])
    assert all(delivery.reason for delivery in stored)


def test_truncated_and_flipped_payloads(client: httpx.Client, engine: Engine):
    """A real push payload, damaged: signed as it is, it is judged; signed before the damage, it is refused."""
    whole = (Path(__file__).parent / "push.json").read_bytes()
    chance = random.Random(8)
    damaged = [whole[:cut] for cut in range(1, len(whole), len(whole) // 10)]
    for _ in range(10):
        at = chance.randrange(len(whole))
        damaged.append(whole[:at] + bytes([whole[at] ^ (1 << chance.randrange(8))]) + whole[at + 1 :])
    for body in damaged:
        assert client.post("/hooks/github", content=body, headers=github(whole)).status_code == 401
        assert client.post("/hooks/github", content=body, headers=github(body)).status_code in {202, 400}
    assert client.post("/hooks/github", content=whole, headers=github(whole)).status_code == 202


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_bytes_are_read_or_refused(body: bytes):
    try:
        value = parse(body)
    except Malformed:
        return
    assert unstorable(value) is None
    json.dumps(value, allow_nan=False).encode()


def test_json_that_is_no_push(client: httpx.Client):
    for body in (b"null", b"[]", b'"x"', b"0", b"{}", b'{"ref": null}', b'{"ref": {"ref": []}}', push(after="")):
        for event in ("push", ""):
            assert client.post("/hooks/github", content=body, headers=github(body, event=event)).status_code == 202
