"""The kind `http`: one request to a public server, through the guard.

The request is written by httpx and sent on httpcore's pool directly: no cookie jar shared between workflows, no
redirects, no proxies or credentials from the environment, and no log line with a URL that holds a secret.
"""

from __future__ import annotations

import logging
from time import monotonic

import httpcore
import httpx
import orjson

from engine.adapters.kinds import body, request
from engine.adapters.kinds.guard import Budget, Guard, within
from engine.adapters.kinds.params import read
from engine.app.kinds import DEFAULT_TIMEOUT, Call, Failed
from engine.core.values import Json, JsonObject
from engine.spec.kinds import HttpParams

_SUCCESS, _REDIRECTION = 200, 300


class Http:
    """Sends a request and reads its answer, whose status has to be 2xx or in `allow_status`."""

    def __init__(self, guard: Guard) -> None:
        # httpcore logs the headers it sends, with their secrets, once debug logging is on.
        logging.getLogger("httpcore").setLevel(logging.WARNING)
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),  # SSL_CERT_FILE can name an authority of one's own
            max_connections=100,
            max_keepalive_connections=20,
            keepalive_expiry=30.0,
            network_backend=guard,
        )

    def run(self, call: Call) -> JsonObject:
        """Raises Failed: `config`, `forbidden_address`, `network`, `timeout`, `http_3xx` …, `response_too_large`."""
        params = read(HttpParams, call)
        written = request.written(params, call.idempotency_key)
        budget = Budget(monotonic() + (call.timeout or DEFAULT_TIMEOUT) / 1000, call.stop)
        with within(budget):
            try:
                status, headers, content = self._exchanged(written)
            except httpcore.TimeoutException as error:
                raise Failed("timeout", f"no connection in time: {type(error).__name__}") from None
            except (httpcore.NetworkError, httpcore.ProtocolError) as error:
                raise Failed("network", f"{written.url.host}: {error or type(error).__name__}") from None
        return _outputs(call, params, status, headers, _value(headers, content))

    def close(self) -> None:
        """Close the connections that are kept for the next task."""
        self._pool.close()

    def _exchanged(self, written: httpx.Request) -> tuple[int, dict[str, str], bytes]:
        with self._pool.stream(
            written.method,
            httpcore.URL(
                scheme=written.url.raw_scheme,
                host=written.url.raw_host,
                port=written.url.port,
                target=written.url.raw_path,
            ),
            headers=written.headers.raw,
            content=written.content,
        ) as answer:
            headers = _headers(answer.headers)
            return answer.status, headers, body.read(answer.iter_stream(), headers.get("content-encoding", ""))


def _headers(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """By lower-case name; values of a repeated header are joined as HTTP allows."""
    found: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def _value(headers: dict[str, str], content: bytes) -> Json:
    """A JSON body as the value it holds, anything else as text."""
    mime, _, parameters = headers.get("content-type", "").lower().partition(";")
    mime = mime.strip()
    if content and (mime == "application/json" or mime.endswith("+json")):
        try:
            return orjson.loads(content)
        except orjson.JSONDecodeError:
            pass  # it says it is JSON and is not: people will want to see what it is
    charset = parameters.partition("charset=")[2].strip(" \"'").partition(";")[0] or "utf-8"
    try:
        text = content.decode(charset, "replace")
    except (LookupError, ValueError):  # no charset, or one that some bytes are nothing in, whatever was asked for
        text = content.decode("utf-8", "replace")
    return text.encode("utf-8", "replace").decode()  # some charsets have halves of characters


def _outputs(call: Call, params: HttpParams, status: int, headers: dict[str, str], answer: Json) -> JsonObject:
    if not (_SUCCESS <= status < _REDIRECTION or status in params.allow_status):
        details: JsonObject = {"status": status, "body": answer}
        if "location" in headers:
            details["location"] = headers["location"]
        raise Failed(f"http_{status // 100}xx", f"the server answered {status}", details)
    outputs: JsonObject = {"status": status, "headers": headers, "body": answer}
    if isinstance(answer, dict):
        outputs |= {name: answer[name] for name in call.outputs if name in answer and name not in outputs}
    return outputs
