"""Published and own signature vectors (RELIABILITY S1), and that every comparison takes the same time (S5)."""

from __future__ import annotations

import ast
import hashlib
import hmac
from pathlib import Path

import pytest
from starlette.datastructures import Headers

import webhooks
from engine.core.project import WebhookSource
from engine.errors import Malformed
from webhooks.providers.github import GitHub
from webhooks.providers.hmac import GenericHmac
from webhooks.providers.provider import DAY
from webhooks.signatures import signed

SECRET = b"It's a Secret to Everybody"
GITHUB = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
BITBUCKET = "a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"


def source(**headers: str) -> WebhookSource:
    return WebhookSource(name="x", provider="hmac", secrets=("S",), **headers)


def test_github_vector():
    headers = Headers({"X-Hub-Signature-256": f"sha256={GITHUB}"})
    assert GitHub().genuine(headers, b"Hello, World!", [SECRET])
    assert GitHub().genuine(headers, b"Hello, World!", [b"newer", SECRET])
    assert not GitHub().genuine(headers, b"Hello, World! ", [SECRET])
    assert not GitHub().genuine(headers, b"Hello, World!", [b"other"])
    assert not GitHub().genuine(headers, b"Hello, World!", [])


def test_bitbucket_and_gitea_vectors_through_the_generic_source():
    bitbucket = GenericHmac(source(signature_header="X-Hub-Signature"))
    assert bitbucket.genuine(Headers({"X-Hub-Signature": f"sha256={BITBUCKET}"}), b"Hello World!", [SECRET])
    gitea = GenericHmac(source(signature_header="X-Gitea-Signature", prefix=""))
    assert gitea.genuine(Headers({"X-Gitea-Signature": BITBUCKET}), b"Hello World!", [SECRET])
    assert not gitea.genuine(Headers({"X-Gitea-Signature": f"sha256={BITBUCKET}"}), b"Hello World!", [SECRET])


@pytest.mark.parametrize("given", [b"", b"sha256=", b"sha256=" + b"0" * 64, b"\xff" * 71, b"SHA256=" + GITHUB.encode()])
def test_what_is_no_signature(given: bytes):
    assert not signed(b"Hello, World!", given, [SECRET], prefix=b"sha256=")


def test_an_empty_secret_signs_nothing():
    forged = hmac.new(b"", b"x", hashlib.sha256).hexdigest().encode()
    assert not signed(b"x", forged, [b""])
    assert not signed(b"x", forged, [b"", b"other"])


def test_keys_of_a_github_delivery():
    headers = Headers({"X-GitHub-Event": "push", "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958"})
    call = GitHub().call(headers, b"Hello, World!")
    assert call.event == "push"
    (named, named_hours), (body, body_hours) = call.keys
    assert named == "id:72d3162e-cc78-11e3-81ab-4c9367dc0958"
    assert body == "body:push:dffd6021bb2bd5b0af676290809ec3a53191dd81c7f70a4b28688a362182986f"
    assert (named_hours > 24 * DAY, body_hours) == (True, 24)


@pytest.mark.parametrize("value", ["a b", "\x00", "x" * 201, "é"])
@pytest.mark.parametrize("header", ["X-GitHub-Event", "X-GitHub-Delivery"])
def test_headers_that_cannot_be_names(header: str, value: str):
    with pytest.raises(Malformed):
        GitHub().call(Headers(raw=[(header.lower().encode(), value.encode("latin-1"))]), b"")


def test_every_comparison_with_something_secret_is_compare_digest_on_bytes():
    """In the modules that know a signature no `==` stands beside one, and what compare_digest gets is bytes."""
    here = Path(webhooks.__file__).parent
    compared = 0
    for file in [here / "signatures.py", *(here / "providers").glob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Compare):
                sides = [ast.unparse(side) for side in (node.left, *node.comparators)]
                plain = all(isinstance(op, ast.Is | ast.IsNot) or "len(" in sides[0] for op in node.ops)
                assert plain, f"{file.name}:{node.lineno}: {ast.unparse(node)}"
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "hmac.compare_digest":
                compared += 1
    assert compared == 1
    with pytest.raises((AttributeError, TypeError)):
        signed(b"x", "text", [b"y"])  # type: ignore[arg-type]
