import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.model import Definition
from engine.spec.load import load
from engine.web.mermaid import flowchart
from tests.web.definitions import RELEASE, listing, task
from tests.web.nested import FLEET

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDERS = ("workflows", "tests/patterns")
DEFINITIONS = {
    path: found
    for folder in FOLDERS
    for path, found in load({path.name: path.read_bytes() for path in (ROOT / folder).glob("*.yaml")}).workflows.items()
}

TEXT = r"(?:[A-Za-z0-9 _,./()-]|#\d+;|<br/>)*"
LINE = re.compile(
    "|".join(
        [
            r"flowchart TD",
            rf' *t\d+(\["{TEXT}"\]|\{{"{TEXT}"\}}|\{{\{{"{TEXT}"\}}\}}|\[\["{TEXT}"\]\]|\(\["{TEXT}"\]\))',
            rf' *subgraph (t\d+|finally)\["{TEXT}"\]',
            r" *end",
            rf' *t\d+ (-->|==>|-\.->)(\|"{TEXT}"\|)? t\d+',
            r"  classDef \w+ [\w:#, -]+",
            r"  class t\d+(,t\d+)* \w+",
        ]
    )
)
"""Every line that a chart may have, whatever its author wrote."""


def sound(chart):
    """Every line is one of ours, every node is written once, and boxes are closed."""
    lines = chart.splitlines()
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    assert sum(line.strip() == "end" for line in lines) == sum(line.strip().startswith("subgraph") for line in lines)
    written = re.findall(r"^ *(?:subgraph )?(t\d+)[\[({]", chart, re.MULTILINE)
    assert written == [f"t{number}" for number in range(1, len(written) + 1)]
    return chart


def test_a_workflow_is_drawn_with_its_edges_and_its_finally_apart():
    assert sound(flowchart(RELEASE)) == (
        "flowchart TD\n"
        '  t1["fetch_sources<br/>script"]\n'
        '  t2["build<br/>http"]\n'
        '  t3["unit_tests<br/>script"]\n'
        '  t4["integration_tests<br/>script"]\n'
        '  t5["scan<br/>http"]\n'
        '  t6{{"approve<br/>approval"}}\n'
        '  t7["deploy<br/>script"]\n'
        '  t8["refused<br/>message<br/>any of 2"]\n'
        "  t1 --> t2\n"
        "  t1 --> t3\n"
        "  t2 --> t4\n"
        "  t2 --> t5\n"
        "  t3 --> t6\n"
        "  t4 --> t6\n"
        "  t5 --> t6\n"
        "  t6 --> t7\n"
        '  t6 -->|"rejected / expired"| t8\n'
        '  subgraph finally["finally"]\n'
        '    t9["report<br/>message"]\n'
        '    t10["clean_up<br/>script"]\n'
        '    t9 -->|"done"| t10\n'
        "  end\n"
    )


def test_what_a_task_consists_of_is_a_box_and_how_often_it_runs_is_said():
    chart = sound(flowchart(FLEET))
    assert (
        '  subgraph t1["prepare"]\n    t2["compile<br/>script"]\n    t3["check<br/>http"]\n    t2 --> t3\n  end\n'
        in chart
    )
    assert '  t4{"size<br/>switch"}\n' in chart
    assert '  t4 -->|"large"| t6\n' in chart
    assert '  subgraph t6["deploy, for each item"]\n    t7["roll<br/>script<br/>can be undone"]\n' in chart
    assert '    t8["probe<br/>script<br/>up to 9 times"]\n' in chart
    assert 't10["ping<br/>http<br/>for each item"]' in chart


def test_marks_colour_tasks_and_say_so_without_colour_too():
    chart = sound(flowchart(FLEET, {"prepare/compile": "failed", "deploy": "running", "ping": "changed"}))
    assert '["compile<br/>script<br/>failed"]' in chart
    assert 't6["deploy, for each item, running"]' in chart
    assert '["#177; ping<br/>http<br/>for each item"]' in chart
    assert "  class t2 bad\n" in chart
    assert "  classDef busy_box fill:none," in chart
    assert "  class t6 busy_box\n" in chart
    assert "  class t10 changed\n" in chart


def test_two_versions_are_drawn_as_one():
    then = replace(RELEASE, tasks=listing(task("build"), task("old", "build"), task("deploy", "build")))
    now = replace(RELEASE, tasks=listing(task("build"), task("check", "build"), task("deploy", "check")))
    chart = sound(flowchart(now, before=then))
    assert '  t1["build<br/>http"]\n' in chart
    assert '  t2["#43; check<br/>http"]\n' in chart
    assert '  t4["#8722; old<br/>http"]\n' in chart
    assert "  t1 ==> t2\n" in chart
    assert "  t2 ==> t3\n" in chart
    assert "  t1 -.-> t3\n" in chart
    assert "  t1 -.-> t4\n" in chart
    assert "  class t2 added\n" in chart
    assert "  class t4 removed\n" in chart


def test_a_version_beside_itself_is_itself():
    for definition in DEFINITIONS.values():
        assert flowchart(definition, before=definition) == flowchart(definition)


@pytest.mark.parametrize("path", sorted(DEFINITIONS))
def test_every_example_and_pattern_can_be_drawn(path):
    definition = DEFINITIONS[path]
    chart = sound(flowchart(definition))
    tasks = sum(len([name for name in tasks.tasks if name]) for tasks in definition.lists.values())
    assert len(re.findall(r"^ *(?:subgraph )?t\d+[\[({]", chart, re.MULTILINE)) == tasks
    assert chart == flowchart(definition)


HOSTILE = [
    'x"]; click t1 "javascript:alert(1)"',
    "<script>alert(1)</script>",
    "`**bold**`",
    "1. a list",
    "%%{init: {}}%%",
    "#quot;&quot;",
    "style a:#f00;b",
    "a\nend\nb",
    "$$x$$",
    "\u202ea",
    "end",
]


@given(
    names=st.lists(st.one_of(st.text(), st.sampled_from(HOSTILE)), min_size=1, max_size=5, unique=True), data=st.data()
)
def test_no_text_of_an_author_means_anything_to_the_chart(names, data):
    kinds = data.draw(
        st.lists(st.one_of(st.text(), st.sampled_from(HOSTILE)), min_size=len(names), max_size=len(names))
    )
    tasks = listing(*(task(f"t{number}", kind=kind) for number, kind in enumerate(kinds)))
    renamed = {name: replace(one, id=name) for name, one in zip(names, tasks.tasks.values(), strict=True) if name}
    sound(flowchart(Definition(name="x", tasks=replace(tasks, tasks=renamed), finally_=listing())))
