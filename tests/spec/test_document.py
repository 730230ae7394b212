"""YAML as LANGUAGE.md wants it: 1.2 values, positions, and refusals that say where."""

import subprocess
import sys

import pytest

from engine.spec.document import read
from engine.spec.limits import MAX_BYTES
from engine.spec.nodes import Document

BOMBS = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (768 * 1024 * 1024,) * 2)
from engine.spec.load import load
bombs = [
    "a: &a [" + "x," * 9 + "]\\n" + "".join(f"{b}: &{b} [{('*' + a + ',') * 9}]\\n" for a, b in zip("abcdefgh", "bcdefghi")),
    "m: &m {x: 1}\\n" + "".join(f"m{i}: &m{i} {{<<: [*m,*m,*m,*m,*m,*m,*m,*m,*m]}}\\n" for i in range(9)),
    "[" * 100_000, "{a: " * 60_000, "- " * 100_000, "? " * 100_000, "a:\\n" * 80_000,
    "".join(f"k{i}: 1\\n" for i in range(25_000)),
    "x: [" + "*a," * 60_000 + "]", "x: &a [" + "*a," * 60_000 + "]",
    '"' + "\\\\x41" * 60_000, "'" * 200_000, "|\\n" * 100_000, "\\t" * 200_000, "%" * 200_000, "&a " * 80_000,
    "name: a\\ntasks: {a: {uses: values, with: {a: '" + "${{ x }}" * 25_000 + "'}}}",
    "name: a\\ntasks: {a: {run: x, if: '" + "(" * 100_000 + "'}}",
]
for bomb in bombs:
    findings = load({"w.yaml": bomb.encode()[: 256 * 1024]}).findings
    assert findings and all(finding.line >= 1 and finding.column >= 1 for finding in findings), bomb[:40]
    print(findings[0])
"""


def value(text):
    document = read("w.yaml", text.encode() if isinstance(text, str) else text)
    assert isinstance(document, Document), document
    return document.root.value


def refusal(text):
    found = read("w.yaml", text.encode() if isinstance(text, str) else text)
    assert isinstance(found, list), found
    [finding] = found
    return finding.line, finding.column, finding.rule


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("No", "No"),
        ("off", "off"),
        ("y", "y"),
        ("22:22", "22:22"),
        ("2024-01-31", "2024-01-31"),
        ("0777", 777),
        ("0o17", "0o17"),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("12", 12),
        ("-12", -12),
        ("+3", 3),
        ("9223372036854775807", 2**63 - 1),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1.", 1.0),
        (".", "."),
        ("-", [None]),
        ("true", True),
        ("FALSE", False),
        ("tRUE", "tRUE"),
        ("~", None),
        ("Null", None),
        ("", None),
        ("'12'", "12"),
        ('"true"', "true"),
        ("|\n  12\n", "12\n"),
        ("=", "="),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text, expected):
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


def test_keys_are_text():
    assert value("{1: a, true: b, on: c, ~: d}") == {"1": "a", "true": "b", "on": "c", "~": "d"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", (3, 1, "duplicate-key")),
        ("a: {b: 1, 'b': 2}", (1, 11, "duplicate-key")),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", (3, 3, "merge-key")),
        ("a: !!str 1", (1, 4, "yaml-tag")),
        ("a: ! x", (1, 4, "yaml-tag")),
        ("a: !!map {}", (1, 4, "yaml-tag")),
        ("a: !!python/object:os.system {}", (1, 4, "yaml-tag")),
        ("a: *x", (1, 4, "yaml-alias")),
        ("a: &x [*x]", (1, 8, "yaml-alias")),
        ("a: 1\n---\nb: 2\n", (2, 1, "yaml-documents")),
        ("a: [1", (1, 6, "yaml-syntax")),
        ("a: b: c", (1, 5, "yaml-syntax")),
        ("\ta: 1", (1, 1, "yaml-syntax")),
        (b"a: \x01", (1, 4, "yaml-syntax")),
        (b"a: \xff", (1, 4, "yaml-encoding")),
        (b"\xef\xbb\xbf\xc3\xa9: 1\nb: \xff", (2, 4, "yaml-encoding")),
        ("a: 1\n".encode("utf-16"), (1, 1, "yaml-encoding")),
        ('é: "\\0"', (1, 4, "yaml-characters")),
        ("a: 9223372036854775808", (1, 4, "yaml-number")),
        ("a: 1e999", (1, 4, "yaml-number")),
        ("a: .inf", (1, 4, "yaml-number")),
        ("a: .NaN", (1, 4, "yaml-number")),
        ("a: " + "9" * 5000, (1, 4, "yaml-number")),
        ("[" * 51 + "]" * 51, (1, 51, "yaml-limits")),
        ("? [a]\n: b\n", (1, 3, "yaml-key")),
        ("a: " + "x" * MAX_BYTES, (1, 1, "yaml-limits")),
    ],
)
def test_refusals_say_where(text, expected):
    assert refusal(text) == expected


def test_the_last_thing_allowed_is_allowed():
    assert value("[" * 50 + "]" * 50)
    assert value("a: " + "x" * (MAX_BYTES - 3))
    assert len(value("x: &a [" + "1, " * 99 + "]\ny: [" + "*a, " * 99 + "]")["y"]) == 99


def test_aliases_are_counted_as_what_they_expand_to():
    assert refusal("x: &a [" + "1, " * 99 + "]\ny: [" + "*a, " * 101 + "]")[2] == "yaml-limits"


def test_positions_count_characters_and_editors_lines():
    document = read("w.yaml", "é😀: a\r\nb:\r\n  - c: '\u2028d'\r\n    e: f\r\n".encode())
    for path, at in {("é😀",): (1, 5), ("b", 0, "c"): (3, 8), ("b", 0, "e"): (4, 8), ("b", 9, "z"): (2, 1)}.items():
        finding = document.finding(path, "x", "y")
        assert (finding.line, finding.column) == at, path
    finding = document.finding(("b", 0, "e"), "x", "y", at_key=True)
    assert (finding.line, finding.column, finding.end_line, finding.end_column) == (4, 5, 4, 6)


def test_an_anchor_is_no_part_of_the_value():
    finding = read("w.yaml", b"a: &name value\n").finding(("a",), "x", "y")
    assert (finding.column, finding.end_column) == (10, 15)


def test_bombs_end_with_a_finding_in_little_memory():
    done = subprocess.run([sys.executable, "-c", BOMBS], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(done.stdout.splitlines()) == 18
