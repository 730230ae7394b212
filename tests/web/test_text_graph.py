"""The rails are read back: whoever follows them with a finger finds the edges of the definition and no others."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.web.rails import ASCII, DOWN, FORK, LEFT, RIGHT, UNICODE, UP, rows
from engine.web.sketch import Arrow, Node, sketch
from engine.web.text_graph import lines
from tests.web.definitions import RELEASE, listing, task
from tests.web.nested import FLEET
from tests.web.test_mermaid import DEFINITIONS

WAYS = {sign: ways for ways, sign in UNICODE.rails.items()}
TASKS = set(UNICODE.kinds.values())


def followed(drawn):
    """The sources of each task, by going along the rails. A rail that a line passes, `─│─`, is not joined."""
    sources, lanes, above = {}, {}, ""
    for row in drawn:
        signs = dict(enumerate(row.rails[::2]))
        at = next((column for column, sign in signs.items() if sign in TASKS), None)
        if row.node is None:
            assert at is None
            if row.rails == UNICODE.rails[DOWN]:
                lanes = {0: FORK}
            else:
                assert all(column in lanes for column, sign in signs.items() if sign != " ")
        else:
            joined = [
                column
                for column, sign in signs.items()
                if sign not in TASKS and WAYS[sign] & UP and WAYS[sign] & (LEFT | RIGHT)
            ]
            between = row.rails[1::2]
            first, last = min([at, *joined]), max([at, *joined])
            assert set(between[first:last]) <= {"─"}
            assert set(between[:first] + between[last:]) <= {" "}
            found = {lanes[column] for column in joined}
            straight = above[2 * at : 2 * at + 1]
            if at in lanes and straight not in TASKS and straight and WAYS[straight] & DOWN:
                found.add(lanes.pop(at))
            sources[row.node.id] = found - {FORK}
            lanes = {
                column: lane for column, lane in lanes.items() if signs.get(column, " ") not in " ╰╯┴" and column != at
            }
            lanes[at] = row.node.id
        above = row.rails
    return sources


@st.composite
def dags(draw):
    size = draw(st.integers(1, 12))
    nodes = []
    for number in range(size):
        needed = draw(st.sets(st.integers(0, number - 1), max_size=4)) if number else ()
        arrows = tuple(Arrow(source=f"n{source}") for source in sorted(needed))
        nodes.append(Node(path=f"n{number}", id=f"n{number}", kind="http", what="http", arrows=arrows))
    return nodes


@given(dags())
def test_rails_lead_where_edges_lead(nodes):
    drawn = list(rows(nodes, UNICODE))
    assert [row.node for row in drawn if row.node] == nodes
    assert followed(drawn) == {node.id: {arrow.source for arrow in node.arrows} for node in nodes}


@given(dags())
def test_rails_in_ascii_are_the_same(nodes):
    signs = {sign: ASCII.rails[ways] for ways, sign in UNICODE.rails.items()} | {UNICODE.kinds[""]: ASCII.kinds[""]}
    plain = ["".join(signs[sign] for sign in row.rails) for row in rows(nodes, UNICODE)]
    assert plain == [row.rails for row in rows(nodes, ASCII)]
    assert "".join(plain).isascii()


def text(definition, width=80):
    return [f"{line.rails}{line.name}{line.text}" for line in lines(sketch(definition), UNICODE, width)]


def test_a_workflow_in_text():
    assert "\n".join(text(RELEASE)) == (
        "● fetch_sources          script\n"
        "├─● build                http\n"
        "● │ unit_tests           script\n"
        "│ ├─● integration_tests  script\n"
        "│ ● │ scan               http\n"
        "◆─┴─╯ approve            approval\n"
        "├─● deploy               script\n"
        "● refused                message, any of 2  on approve.rejected, approve.expired\n"
        "\n"
        "finally\n"
        "● report                 message\n"
        "│\n"
        "● clean_up               script  on report.done"
    )


def test_what_tasks_consist_of_stands_beside_a_dotted_line():
    drawn = text(FLEET)
    assert drawn[:5] == [
        "■ prepare      group",
        "│ ┊ ● compile  script",
        "│ ┊ │",
        "│ ┊ ● check    http",
        "├─◇ size       switch",
    ]
    assert "│ ■ deploy     for each item  on size.large" in drawn
    assert "│ │ ┊ ● roll   script, can be undone" in drawn


def test_too_many_rails_are_words():
    names = [f"t{number}" for number in range(30)]
    wide = listing(task("a"), *(task(name, "a") for name in names), task("end", " ".join([*names, "a.failed"])))
    drawn = text(replace(RELEASE, tasks=wide))
    assert drawn[:2] == ["● a         http", "● t0        http  needs a"]
    assert "needs t0, t1, t2, t3" in drawn[31]
    assert max(map(len, drawn)) <= 80
    narrow = listing(task("a"), *(task(name, "a") for name in names[:9]), task("end", " ".join(names[:9])))
    assert any(line.startswith("●─┴─┴─") for line in text(replace(RELEASE, tasks=narrow)))


@pytest.mark.parametrize("path", sorted(DEFINITIONS))
@pytest.mark.parametrize("width", [80, 50])
def test_every_example_and_pattern_fits(path, width):
    definition = DEFINITIONS[path]
    drawn = text(definition, width)
    assert max(map(len, drawn)) <= max(width, 42 + 24)
    shown = [line.name for line in lines(sketch(definition), UNICODE, width)]
    assert set(shown) >= {name for tasks in definition.lists.values() for name in tasks.tasks if name}
