"""What an author writes in a JSON Schema makes nobody ask for anything: lint and sync read it with the network they stand in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest

from engine.lint.linter import lint

ANSWER = b'{"$id": "http://example.com/", "type": "object"}'
"""A dialect that takes everything."""

PROJECT = "people: {ana: {email: ana@example.com}}\n"
PLACES = {
    "an input": "name: w\ninputs: {{x: {schema}}}\ntasks: {{t: {{run: x, env: {{X: '${{{{ inputs.x }}}}'}}}}}}\n",
    "an output": "name: w\ntasks: {{t: {{run: x, outputs: {{x: {schema}}}}}}}\n",
    "a form": "name: w\ntasks: {{t: {{uses: approval, with: {{message: m, approvers: ana, form: {{x: {schema}}}}}}}}}\n",
}
SHAPES = {
    "itself": {"$schema": "URL", "type": "string"},
    "a property": {"type": "object", "properties": {"y": {"$schema": "URL", "type": "string"}}},
    "a property with an odd name": {"type": "object", "properties": {"default": {"$schema": "URL"}}},
    "a definition": {"$defs": {"y": {"$schema": "URL", "type": "string"}}, "$ref": "#/$defs/y"},
    "one of a list": {"anyOf": [{"type": "null"}, {"$schema": "URL", "type": "string"}]},
}


@pytest.fixture
def server() -> Iterator[SimpleNamespace]:
    """Its address, and the paths that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(302 if self.path == "/there" else 200)
            self.send_header("Location", "/here")
            self.send_header("Content-Length", str(len(ANSWER)))
            self.end_headers()
            self.wfile.write(ANSWER)

        def log_message(self, *_: object) -> None: ...

    http = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=http.serve_forever, daemon=True)
    thread.start()
    yield SimpleNamespace(url=f"http://127.0.0.1:{http.server_port}", asked=asked)
    http.shutdown()
    thread.join()
    http.server_close()


def errors(place: str, shape: str, url: str) -> list[tuple[str, bool]]:
    schema = json.dumps(SHAPES[shape]).replace("URL", url)
    texts = {"workflows/w.yaml": PLACES[place].format(schema=schema), "workflows/project.yaml": PROJECT}
    findings = lint({path: text.encode() for path, text in texts.items()})
    return [(finding.rule, url in finding.message) for finding in findings if finding.severity == "error"]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("place", PLACES)
def test_a_dialect_is_never_fetched_and_refused_if_it_is_not_ours(server: SimpleNamespace, place: str, shape: str):
    assert errors(place, shape, f"{server.url}/there") == [("bad-schema", True)]
    assert server.asked == []


@pytest.mark.parametrize("place", PLACES)
def test_nor_is_a_file_read_or_an_address_looked_at_that_nobody_can_fetch(tmp_path: Path, place: str):
    (tmp_path / "meta.json").write_bytes(ANSWER)
    for url in (f"file://{tmp_path}/meta.json", "file:///gone", "urn:gone", "meta.json", "ftp://127.0.0.1/x"):
        assert errors(place, "itself", url) == [("bad-schema", True)]


@pytest.mark.parametrize("place", PLACES)
def test_ours_may_be_said(place: str):
    for url in ("https://json-schema.org/draft/2020-12/schema", "https://json-schema.org/draft/2020-12/schema#"):
        assert errors(place, "itself", url) == []
