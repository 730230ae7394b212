"""What the hot path says to Redis, straight on redis-py's connections: its client takes as long again for every command."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, cast

import hiredis
import redis

Command: TypeAlias = tuple[str | bytes | int | float, ...]

_pack = cast("Callable[[Command], bytes]", hiredis.pack_command)  # which is declared for tuples of one alone


def talk(client: redis.Redis, commands: Sequence[Command]) -> list[Any]:
    """The answers to commands that are sent in one go. Raises redis.RedisError, the first failure's, when all have answered."""
    pool = client.connection_pool
    connection: Any = pool.get_connection()  # which redis-py left untyped
    failure: redis.ResponseError | None = None
    answers: list[Any] = []
    try:
        connection.send_packed_command([b"".join(map(_pack, commands))], check_health=False)
        for _ in commands:
            try:
                answers.append(connection.read_response())
            except redis.ResponseError as error:
                failure = failure or error
    except BaseException:
        connection.disconnect()  # an answer that comes late must not be taken for the next one's
        raise
    finally:
        pool.release(connection)
    if failure is not None:
        raise failure
    return answers


def transact(client: redis.Redis, commands: Sequence[Command]) -> None:
    """All of them at once or not at all, in one MULTI. Raises redis.RedisError."""
    *_, answers = talk(client, [("MULTI",), *commands, ("EXEC",)])
    for answer in answers:
        if isinstance(answer, redis.ResponseError):
            raise answer


class Script:
    """Lua that runs inside Redis. It is sent by its hash, and whole where Redis does not know it yet."""

    def __init__(self, client: redis.Redis, text: str) -> None:
        self._client = client
        self._text = text
        self._sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    def __call__(self, namespace: str, *arguments: str | bytes | float, behind: Sequence[Command] = ()) -> Any:
        """What it returns for these, run right after some other commands. Raises redis.RedisError."""
        try:
            return talk(self._client, [*behind, ("EVALSHA", self._sha, 1, namespace, *arguments)])[-1]
        except redis.exceptions.NoScriptError:
            return talk(self._client, [self.whole(namespace, *arguments)])[0]

    def whole(self, namespace: str, *arguments: str | bytes | float) -> Command:
        """The command that runs it wherever it is sent, also as a part of a transaction."""
        return ("EVAL", self._text, 1, namespace, *arguments)
