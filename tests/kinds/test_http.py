from __future__ import annotations

import logging
import socket
from contextlib import ExitStack
from threading import Event, Timer
from time import monotonic

import pytest

from engine.adapters.kinds.addresses import Policy
from engine.adapters.kinds.guard import Guard, resolve
from engine.adapters.kinds.http import Http
from engine.app.kinds import Failed, Stopped
from tests.kinds.conftest import call
from tests.ports import free_port


@pytest.fixture
def guarded():
    """Makes the kind for a policy and a resolver, and closes its connections afterwards."""
    with ExitStack() as made:

        def make(policy, resolver=resolve):
            kind = Http(Guard(policy, resolver))
            made.callback(kind.close)
            return kind

        yield make


@pytest.fixture
def http(web, guarded):
    return guarded(Policy.read("127.0.0.1", str(web.port)))


def failure(kind, params, **changes):
    with pytest.raises(Failed) as caught:
        kind.run(call(params, **changes))
    return caught.value


def test_an_answer_becomes_outputs_and_declared_names_come_from_its_body(http, web):
    web.says("/build", b'{"image": "r/billing:1", "score": 0.5, "status": "x", "other": 1}')
    outputs = http.run(call({"url": web.url("/build")}, outputs={"image": {}, "missing": {}, "status": {}}))
    assert outputs["status"] == 200
    assert outputs["image"] == "r/billing:1"
    assert outputs["body"]["score"] == 0.5
    assert outputs["headers"]["content-type"] == "application/json"
    assert set(outputs) == {"status", "headers", "body", "image"}


def test_what_is_sent(http, web):
    web.says("/x", b"ok", mime="text/plain")
    query = {"a": "1 &", "b": [1, True]}
    http.run(
        call(
            {"method": "post", "url": web.url("/x?z=9"), "query": query, "json": {"sha": "é"}, "headers": {"X-A": "b"}}
        )
    )
    http.run(call({"method": "PUT", "url": web.url("/x"), "form": {"a": "b c", "d": 1}}))
    http.run(call({"method": "POST", "url": web.url("/x"), "body": "héllo", "headers": {"content-type": "text/csv"}}))
    json, form, text = web.requests
    assert (json.method, json.path) == ("POST", "/x?z=9&a=1+%26&b=1&b=true")
    assert json.body == '{"sha":"é"}'.encode()
    assert json.headers["Idempotency-Key"] == "i1/deploy"
    assert json.headers["X-A"] == "b"
    assert json.headers["Content-Type"] == "application/json"
    assert (form.body, form.headers["Content-Type"]) == (b"a=b+c&d=1", "application/x-www-form-urlencoded")
    assert (text.body, text.headers["content-type"]) == ("héllo".encode(), "text/csv")
    assert len(web.connections) == 1, "the connection was not used again"


def test_nothing_is_remembered_between_tasks(http, web):
    web.says("/x", b"{}", headers=(("Set-Cookie", "session=1; Path=/"),))
    http.run(call({"url": web.url("/x")}))
    http.run(call({"url": web.url("/x")}))
    assert "Cookie" not in web.requests[1].headers


@pytest.mark.parametrize(("status", "kind"), [(404, "http_4xx"), (503, "http_5xx"), (302, "http_3xx")])
def test_an_unwelcome_status_fails_with_its_class(http, web, status, kind):
    web.says("/x", b'{"why": "because"}', status=status)
    error = failure(http, {"url": web.url("/x")})
    assert (error.kind, error.details["status"], error.details["body"]) == (kind, status, {"why": "because"})


def test_allow_status_welcomes_more_than_success(http, web):
    web.says("/x", b"", status=503)
    assert http.run(call({"url": web.url("/x"), "allow_status": [200, 503]}))["status"] == 503
    web.says("/x", b"", status=404)
    assert failure(http, {"url": web.url("/x"), "allow_status": [503]}).kind == "http_4xx"
    web.says("/x", b"", status=201)
    assert http.run(call({"url": web.url("/x"), "allow_status": [503]}))["status"] == 201


def test_redirects_are_not_followed(http, web):
    web.says("/x", status=302, headers=(("Location", web.url("/secret")),))
    web.says("/secret")
    assert http.run(call({"url": web.url("/x"), "allow_status": [302]}))["status"] == 302
    assert [request.path for request in web.requests] == ["/x"]


@pytest.mark.parametrize(
    ("mime", "body", "expected"),
    [
        ("application/json", b"[1, null]", [1, None]),
        ("application/problem+json; charset=utf-8", b'{"a": 1}', {"a": 1}),
        ("application/json", b"{nonsense", "{nonsense"),
        ("application/json", b"", ""),
        ("text/plain; charset=latin-1", b"\xe9", "é"),
        ("text/plain; charset=nonsense", b"a", "a"),
        ("text/plain; charset=idna", b"\xc3\xa9", "é"),
        ("text/plain; charset=utf-7", b"a+2AA-", "a?"),
        ("text/plain", b"\xff", "\ufffd"),
        ("text/html", b'{"a": 1}', '{"a": 1}'),
    ],
)
def test_bodies(http, web, mime, body, expected):
    web.says("/x", body, mime=mime)
    assert http.run(call({"url": web.url("/x")}))["body"] == expected


def test_a_compressed_body_is_read(http, web):
    web.says("/x", b'{"a": 1}', packed=True)
    assert http.run(call({"url": web.url("/x")}))["body"] == {"a": 1}


def test_a_gzip_bomb_is_never_unpacked(http, web):
    web.says("/x", bytes(8 * 1024 * 1024), packed=True)
    assert failure(http, {"url": web.url("/x")}).kind == "response_too_large"


def test_an_endless_body_ends_at_the_limit(http, web):
    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        while not web.released.is_set():
            handler.wfile.write(bytes(65_536))

    web.answers["/x"] = endless
    assert failure(http, {"url": web.url("/x")}).kind == "response_too_large"


def slow_body(web):
    def drip(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        while not web.released.wait(0.02):
            handler.wfile.write(b"x")

    return drip


def slow_headers(web):
    def drip(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not web.released.wait(0.02):
            handler.wfile.write(b"x")

    return drip


def silence(web):
    return lambda _: web.released.wait(30)


@pytest.mark.parametrize("kind", [slow_body, slow_headers, silence])
def test_an_answer_that_drips_is_stopped_by_the_total_time(http, web, kind):
    web.answers["/x"] = kind(web)
    started = monotonic()
    assert failure(http, {"url": web.url("/x")}, timeout=300).kind == "timeout"
    assert monotonic() - started < 10
    web.says("/y")
    assert http.run(call({"url": web.url("/y")}))["status"] == 200, "the pool must be of use afterwards"


def test_a_stopped_task_lets_go(http, web):
    web.answers["/x"] = slow_body(web)
    stop = Event()
    Timer(0.2, stop.set).start()
    with pytest.raises(Stopped):
        http.run(call({"url": web.url("/x")}, stop=stop, timeout=20_000))


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"url": 7},
        {"url": "ftp://example.com/"},
        {"url": "file:///etc/passwd"},
        {"url": "/relative"},
        {"url": "http://user:pass@example.com/"},
        {"url": "http://exa\nmple.com/"},
        {"url": "http://[::1/"},
        {"url": "http://example.com/", "metod": "GET"},
        {"url": "http://example.com/", "method": "GET /x HTTP/1.1\r\n"},
        {"url": "http://example.com/", "json": 1, "body": "x"},
        {"url": "http://example.com/", "form": [1]},
        {"url": "http://example.com/", "query": {"a": None}},
        {"url": "http://example.com/", "allow_status": "2xx"},
        {"url": "http://example.com/", "headers": {"X-A": "b\r\nX-Evil: 1"}},
        {"url": "http://example.com/", "headers": {"X-A\r\nX-Evil": "1"}},
        {"url": "http://example.com/", "headers": {"X-A": "\u2028"}},
        {"url": "http://example.com/", "headers": {"Host": "other"}},
        {"url": "http://example.com/", "headers": {"transfer-Encoding": "chunked"}},
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_sent(params, guarded):
    def resolver(host, port):
        raise AssertionError("nothing may be resolved")

    assert failure(guarded(Policy(), resolver), params).kind == "config"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "0", "0x7F.0.0.1", "localhost", "[::1]",
        "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::]", "127.0.0.1.", "127。0。0。1",
    ],
)  # fmt: skip
def test_no_spelling_of_this_machine_gets_a_connection(web, host, guarded):
    error = failure(guarded(Policy.read("", str(web.port))), {"url": web.url("/x", host)})
    assert error.kind in {"forbidden_address", "network", "config"}
    assert web.connections == []


def test_one_private_address_among_public_ones_is_enough(web, guarded):
    kind = guarded(Policy.read("", str(web.port)), lambda *_: ["1.1.1.1", "127.0.0.1"])
    assert failure(kind, {"url": web.url("/x", "mixed.example")}).kind == "forbidden_address"
    assert web.connections == []


def test_a_name_is_resolved_once_so_rebinding_gains_nothing(web, guarded):
    web.says("/x")
    asked = []

    def rebinding(host, port):
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    kind = guarded(Policy.read("127.0.0.1", str(web.port)), rebinding)
    assert kind.run(call({"url": web.url("/x", "rebind.example")}))["status"] == 200
    assert asked == ["rebind.example"]
    assert web.requests[0].headers["Host"] == f"rebind.example:{web.port}"


def test_ports_that_are_not_allowed_are_not_even_resolved(web, guarded):
    def resolver(host, port):
        raise AssertionError("nothing may be resolved")

    error = failure(guarded(Policy.read("127.0.0.1", ""), resolver), {"url": web.url("/x")})
    assert error.kind == "forbidden_address"
    assert str(web.port) in error.message


def test_an_allowed_host_may_be_private(web, guarded):
    web.says("/x")
    kind = guarded(Policy.read("ci.internal", str(web.port)), lambda *_: ["127.0.0.1"])
    assert kind.run(call({"url": web.url("/x", "ci.internal")}))["status"] == 200


def test_a_connection_of_one_name_is_never_used_for_another(web, guarded):
    web.says("/x")
    kind = guarded(Policy.read("127.0.0.1", str(web.port)), lambda *_: ["127.0.0.1"])
    kind.run(call({"url": web.url("/x", "one.example")}))
    kind.run(call({"url": web.url("/x", "two.example")}))
    assert len(web.connections) == 2


def test_a_proxy_from_the_environment_is_ignored(http, web, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    web.says("/x")
    assert http.run(call({"url": web.url("/x")}))["status"] == 200


def test_a_name_that_does_not_exist_is_a_network_error(guarded):
    def nowhere(host, port):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    assert failure(guarded(Policy(), nowhere), {"url": "http://nowhere.invalid/"}).kind == "network"


def test_a_port_nobody_listens_on_is_a_network_error(guarded):
    port = free_port()
    kind = guarded(Policy.read("127.0.0.1", str(port)))
    assert failure(kind, {"url": f"http://127.0.0.1:{port}/"}).kind == "network"


def test_a_server_that_hangs_up_is_a_network_error(http, web):
    web.answers["/x"] = lambda handler: handler.connection.shutdown(socket.SHUT_RDWR)
    assert failure(http, {"url": web.url("/x")}).kind == "network"


def test_no_log_line_shows_a_header_or_a_url(http, web, caplog):
    caplog.set_level(logging.DEBUG)
    web.says("/x")
    http.run(call({"url": web.url("/x?token=canary-1"), "headers": {"Authorization": "canary-2"}}))
    assert "canary" not in caplog.text
