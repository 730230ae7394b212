from __future__ import annotations

import shutil
import ssl
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest

from engine.adapters.kinds.addresses import Policy
from engine.adapters.kinds.guard import Guard
from engine.adapters.kinds.http import Http
from engine.app.kinds import Failed
from tests.kinds.conftest import call


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-subj", "/CN=ci.example", "-addext", "subjectAltName=DNS:ci.example", "-days", "2"),
            *("-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


class Secure:
    def __init__(self):
        self.names = []
        self.released = Event()


@pytest.fixture
def secure(certificate):
    site = Secure()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.send_response(200)
            if self.path == "/slow":
                self.send_header("Content-Length", "1000")
                self.end_headers()
                while not site.released.wait(0.4):
                    self.wfile.write(b"x")
                return
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_):
            pass  # a client that trusts nobody hangs up

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    context.sni_callback = lambda _socket, name, _context: site.names.append(name)
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    site.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield site
    site.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def http(secure, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    kind = Http(Guard(Policy.read("127.0.0.1", str(secure.port)), lambda *_: ["127.0.0.1"]))
    yield kind
    kind.close()


def test_the_checked_address_is_connected_to_and_the_name_is_verified(http, secure):
    assert http.run(call({"url": f"https://ci.example:{secure.port}/"}))["body"] == "ok"
    assert secure.names == ["ci.example"]


def test_a_certificate_of_another_name_is_refused(http, secure):
    with pytest.raises(Failed) as caught:
        http.run(call({"url": f"https://other.example:{secure.port}/"}))
    assert caught.value.kind == "network"
    assert "certificate" in caught.value.message


def test_an_answer_that_drips_is_stopped_over_tls_too(http, secure):
    with pytest.raises(Failed) as caught:
        http.run(call({"url": f"https://ci.example:{secure.port}/slow"}, timeout=900))
    assert caught.value.kind == "timeout"
