"""Every character of a scalar's value is found in the file, whatever the style."""

from __future__ import annotations

import string

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from engine.spec.scalars import offsets

WORDS = st.sampled_from(
    [
        "${{ inputs.servce }}",
        "a",
        "it's",
        '"q"',
        "\\n",
        "é",
        "😀",
        "x: y",
        " ",
        "  ",
        "\n",
        "\n\n",
        "#c",
        "- z",
        "\t",
        "${{",
    ]
)
EXACT = frozenset(string.ascii_letters + string.digits + "${}é😀.")


def scalars(document):
    return [event for event in yaml.parse(document, Loader=yaml.CLoader) if isinstance(event, yaml.ScalarEvent)]


def check(document, event):
    found = offsets(document, event.start_mark.index, event.end_mark.index, event.style, event.value)
    assert found is not None, (document, event.style, event.value)
    assert len(found) == len(event.value) + 1
    assert list(found) == sorted(found)
    for char, place in zip(event.value, found, strict=False):
        if char in EXACT and document[place] != "\\":
            assert document[place] == char, (document, event.value, char, place)
    return found


@given(
    words=st.lists(WORDS, min_size=1, max_size=12),
    style=st.sampled_from(["'", '"', "|", ">", None]),
    width=st.sampled_from([20, 40, 1000]),
    unicode=st.booleans(),
    breaks=st.sampled_from(["\n", "\r\n"]),
)
def test_dumped_scalars_of_every_style_are_aligned(words, style, width, unicode, breaks):
    dumped = yaml.dump(
        {"k": {"q": ["".join(words)]}}, default_style=style, width=width, allow_unicode=unicode, line_break=breaks
    )
    for event in scalars(dumped):
        check(dumped, event)


LINES = st.lists(
    st.sampled_from(
        ["", " ", "   ", "      ", "a b", "  more ${{ x", "   y }}", "é #no", "\tt", "c  ", "'", '"', "z: 1"]
    ),
    max_size=8,
)


@given(
    lines=LINES,
    header=st.sampled_from(["|", ">", "|-", ">-", "|+", ">+", "|2", ">2-", "|+1", "> # note", "|-  #x"]),
    indent=st.integers(1, 4),
    breaks=st.sampled_from(["\n", "\r\n"]),
    tail=st.sampled_from(["", "\n", "\n\n", "\nz: 1\n", "\n\n\nz: 1"]),
)
def test_written_block_scalars_are_aligned(lines, header, indent, breaks, tail):
    body = "\n".join(" " * indent + line if line else "" for line in lines)
    document = f"k: {header}\n{body}{tail}".replace("\n", breaks)
    try:
        events = scalars(document)
    except yaml.YAMLError:
        return
    for event in events:
        check(document, event)


@given(
    parts=st.lists(
        st.sampled_from(["a", "${{ b }}", " ", "\t", "\n  ", " \n\n   ", "\\\n  ", "\\\n\n ", "\\t", "\\u00e9", "\\x41", "\\ ", "''", "\\\\", "é"]),
        max_size=8,
    ),
    quote=st.sampled_from(['"', "'", ""]),
    breaks=st.sampled_from(["\n", "\r\n", "\r"]),
)  # fmt: skip
def test_written_flow_scalars_are_aligned(parts, quote, breaks):
    document = f"k: {quote}{''.join(parts)}{quote}\nz: 1\n".replace("\n", breaks)
    try:
        events = scalars(document)
    except yaml.YAMLError:
        return
    for event in events:
        check(document, event)


@pytest.mark.parametrize(
    "document",
    [
        "k: hello ${{ inputs.servce }}",
        "k: 'it''s ${{ inputs.servce }}'",
        'k: "tab\\t\\u00e9 ${{ inputs.servce }}"',
        "k: |\n  first\n    ${{ inputs.servce }}\n",
        "k: >-\n  one\n  two ${{ a\n  + servce }}\n",
        "k: a &&\n  servce",
        "k: >2\r\n    x\r\n  servce\r\n",
    ],
)
def test_a_word_is_found_at_its_own_place(document):
    event = scalars(document)[-1]
    assert check(document, event)[event.value.index("servce")] == document.index("servce")


def test_what_cannot_be_aligned_says_so():
    assert offsets("k: abc", 3, 6, None, "other") is None
    assert offsets("k: a\u2028b", 3, 6, None, "a\u2028b") is None
    assert offsets("k: |x", 3, 5, "|", "x") is None
