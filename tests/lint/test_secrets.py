"""Secrets are found by their form. Those here are put together while the tests run, so that nobody else finds them."""

import pytest

from engine.lint.linter import lint

LETTERS = "Zx9Kq2Lm4Np6Rs8Tv0Wy1Ab3Cd5Ef7Gh" * 3
TOKENS = [
    ("AWS access key", "AKI" + "A" + "Q3EGRXJ2L5M6N7P8"),
    ("GitHub token", "gh" + "p_" + LETTERS[:36]),
    ("GitHub token", "github" + "_pat_" + LETTERS[:70]),
    ("GitLab token", "gl" + "pat-" + LETTERS[:20]),
    ("Slack token", "xo" + "xb-" + "12345-" + LETTERS[:20]),
    ("Slack webhook", "https://hooks.slack.com" + "/services/T0AB/B0CD/" + LETTERS[:24]),
    ("Stripe key", "sk" + "_live_" + LETTERS[:24]),
    ("Google API key", "AI" + "za" + LETTERS[:35]),
    ("npm token", "np" + "m_" + LETTERS[:36]),
    ("PyPI token", "py" + "pi-AgEIcHlwaS" + LETTERS[:60]),
    ("SendGrid key", "S" + "G." + LETTERS[:22] + "." + LETTERS[:43]),
    ("signed token", "e" + "yJ" + LETTERS[:20] + ".e" + "yJ" + LETTERS[:20] + "." + LETTERS[:30]),
    ("private key", "-----BEGIN RSA " + "PRIVATE KEY-----"),
    ("password in a URL", "redis://:" + "s3cret" + "@cache:6379"),
]


def found(text):
    return [finding for finding in lint({"w.yaml": text.encode()}) if finding.rule == "plain-secret"]


@pytest.mark.parametrize(("what", "token"), TOKENS)
@pytest.mark.parametrize("place", ["run: 'x {}'", "run: x, env: {{X: '{}'}}", "run: x}} # {}"])
def test_a_token_is_found_wherever_it_stands(what, token, place):
    line = f"  a: {{{place.format(token)}"
    (finding,) = found(f"name: w\ntasks:\n{line}{'' if '}} #' in place else '}'}\n")
    assert f"looks like a {what};" in finding.message
    held = "s3cret" if what == "password in a URL" else token
    assert line[finding.column - 1 : finding.end_column - 1] == held
    assert token not in finding.message


@pytest.mark.parametrize(
    "word", ["AKI" + "AIOSFODNN7EXAMPLE", "https://user@example.com", "https://a:$B@c.example.com"]
)
def test_examples_and_names_are_none(word):
    assert found(f"name: w\ntasks:\n  a: {{run: 'x {word}'}}\n") == []
