"""Talking to Redis on its bare connections: what fails leaves the connection fit for use, and scripts find their way back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from engine.adapters.broker.redis_client import open_client
from engine.adapters.broker.redis_talk import Script, talk, transact

pytestmark = pytest.mark.redis


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    opened = open_client(redis_url)
    yield opened
    opened.close()


def test_answers_come_in_order(client: redis.Redis):
    assert talk(client, [("SET", "a", b"\0\xff"), ("GET", "a"), ("INCRBY", "n", 5), ("GET", "none")]) == [
        b"OK",
        b"\0\xff",
        5,
        None,
    ]


def test_a_refused_command_is_told_after_all_have_answered(client: redis.Redis):
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        talk(client, [("RPUSH", "list", "x"), ("INCR", "list"), ("SET", "after", "1")])
    assert talk(client, [("GET", "after"), ("LLEN", "list")]) == [b"1", 1], "no answer is left over"


def test_a_transaction_tells_of_a_failure_within_it(client: redis.Redis):
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        transact(client, [("RPUSH", "list", "x"), ("INCR", "list")])
    with pytest.raises(redis.ResponseError, match="unknown command"):
        transact(client, [("SET", "never", "1"), ("NONSENSE",)])
    assert talk(client, [("GET", "never")]) == [None]


def test_a_script_is_sent_whole_to_a_redis_that_does_not_know_it(client: redis.Redis):
    script = Script(client, "return {KEYS[1], ARGV[1], ARGV[2]}")
    for _ in range(2):
        assert script("ns", "a", 7) == [b"ns", b"a", b"7"]
    client.script_flush()
    assert script("ns", "b", 7.5) == [b"ns", b"b", b"7.5"]


def test_a_lost_connection_is_not_used_again(client: redis.Redis):
    (number,) = talk(client, [("CLIENT", "ID")])
    other = open_client(f"redis://127.0.0.1:{client.connection_pool.connection_kwargs['port']}")
    other.client_kill_filter(_id=number)
    other.close()
    assert talk(client, [("PING",)]) == [b"PONG"]
