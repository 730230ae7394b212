from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.app.masking import MASK, Masker

SECRET = 'pa/ss "wörd"+&=\\<7>'

ENCODINGS = {
    "exact": lambda secret: secret,
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64 inside more": lambda secret: base64.b64encode(f"user:{secret}:x".encode()).decode(),
    "base64 for URLs": lambda secret: base64.urlsafe_b64encode(f"u{secret}".encode()).decode(),
    "hex": lambda secret: secret.encode().hex(),
    "URL": lambda secret: quote(secret, safe=""),
    "URL in lower case": lambda secret: quote(secret, safe="").replace("%2F", "%2f").replace("%3C", "%3c"),
    "URL path": quote,
    "form": quote_plus,
    "JSON": lambda secret: json.dumps(secret)[1:-1],
    "JSON as it is": lambda secret: json.dumps(secret, ensure_ascii=False)[1:-1],
}


@pytest.mark.parametrize("encoding", ENCODINGS.values(), ids=ENCODINGS)
def test_a_secret_is_found_in_every_encoding(encoding):
    written = encoding(SECRET)
    masked = Masker([SECRET]).text(f"before {written} after")
    assert MASK in masked
    assert masked.startswith("before ")
    assert masked.endswith(" after")
    assert len(masked) < len(f"before {written} after") - 10


@given(st.text(min_size=4, max_size=40).filter(str.strip), st.binary(max_size=7), st.binary(max_size=7))
def test_base64_is_found_whatever_stands_around_it(secret, before, after):
    raw = secret.encode("utf-8", "surrogatepass")
    encoded = base64.b64encode(before + raw + after).decode()
    masked = Masker([secret]).text(encoded)
    assert MASK in masked
    assert len(masked) <= len(encoded) - (len(raw) * 8 // 6 - 2) + len(MASK)


def test_every_line_of_a_secret_counts():
    key = "-----BEGIN-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END-----\n"
    masker = Masker([key])
    assert masker.text("MIIEvQIBADANBg") == MASK
    assert masker.text(key.strip()) == MASK


def test_values_keys_and_numbers():
    masker = Masker(["hunter22", "123456"])
    value = {"a": ["x hunter22", 123456, 1234567, True, None, 1.5], "hunter22": {"b": "123456"}}
    assert masker.value(value) == {"a": ["x ***", MASK, 1234567, True, None, 1.5], MASK: {"b": MASK}}


def test_the_longest_form_goes_first():
    assert Masker(["abcd", "abcdefgh"]).text("abcdefgh") == MASK


def test_nothing_to_mask_changes_nothing():
    value = {"a": ["b"]}
    assert Masker().value(value) is value
    assert Masker(["", "no"]).text("no text changes") == "no text changes"
