"""The report of a few figures is golden. After a wanted change: `python -m tests.benchmarks.test_report` writes it anew."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks.aims import Aim
from benchmarks.compared import PEERS
from benchmarks.figures import Figures
from benchmarks.report import PAGE, PLOT, filled, parts
from benchmarks.rounds import Figure, keep, measure, ratio, read

HERE = Path(__file__).parent
FIGURES = PAGE.parent / "benchmarks" / "figures.json"
PINS = Path(__file__).resolve().parents[2] / "benchmarks" / "peers"


def figure(group="dbos", workload="chain", who="postgres", metric="tasks_per_s", values=(1.0, 2.0, 3.0)):
    return Figure(group=group, workload=workload, who=who, metric=metric, values=values)


@pytest.fixture(scope="module")
def written():
    return parts(HERE / "figures.json")


def golden(name):
    return HERE / "golden" / (f"{name}.svg" if name == "plot" else f"{name}.md")


@pytest.mark.parametrize(
    "name", ["machine", "ratios", "ratios of separate processes", "behind", "aims", "ours", "plot"]
)
def test_the_parts_of_the_page(written, name):
    assert written[name].strip() + "\n" == golden(name).read_text()


def test_the_plot_is_xml(written):
    ET.fromstring(written["plot"])


def test_the_page_and_the_plot_say_what_the_figures_say():
    found = parts(FIGURES)
    assert found.pop("plot") == PLOT.read_text()
    page = PAGE.read_text()
    assert filled(page, found) == page, "python -m benchmarks report docs/benchmarks/figures.json"


def test_a_part_is_written_between_its_marks_and_nowhere_else():
    page = "before\n<!-- a -->\nold\n<!-- end of a -->\nafter \\1\n"
    assert filled(page, {"a": "new \\1"}) == page.replace("old", "new \\1")


def test_a_part_without_a_place_is_an_error():
    with pytest.raises(KeyError):
        filled("no marks", {"a": "text"})


def test_a_ratio_is_taken_round_by_round():
    assert ratio(figure(values=(2.0, 9.0)), figure(values=(1.0, 3.0))) == [2.0, 3.0]


def test_less_time_is_faster():
    figures = Figures([figure(metric="p50_ms", values=(2.0,)), figure(who="dbos", metric="p50_ms", values=(6.0,))])
    assert figures.times("postgres", "dbos", "chain", "p50_ms").values == [3.0]


def test_rounds_of_different_pieces_are_never_divided():
    assert Figures([figure(), figure(group="celery", who="dbos")]).times("postgres", "dbos", "chain", "p50_ms") is None


def test_what_ours_did_in_all_pieces_is_one_median():
    figures = Figures([figure(values=(1.0, 2.0)), figure(group="celery", values=(9.0,))])
    assert figures.of("postgres", "chain", "tasks_per_s").middle == 2.0


@pytest.mark.parametrize(
    ("bound", "value", "met"),
    [
        ({"at_least": 10}, 10, True),
        ({"at_least": 10}, 9, False),
        ({"at_most": 10}, 10, True),
        ({"at_most": 10}, 11, False),
    ],
)
def test_an_aim(bound, value, met):
    assert (Aim(stack="postgres", workload="chain", metric="m", **bound).missed_by(value) <= 0) is met


def test_what_is_measured_again_replaces_itself_alone(tmp_path):
    file = tmp_path / "figures.json"
    keep(file, [figure(), figure(workload="fanout")], {"peers": {"dbos": {"version": "1"}}})
    keep(file, [figure(values=(7.0,))], {"peers": {"celery": {"absent": "no"}}})
    about, found = read(file)
    assert {(each.workload, each.values) for each in found} == {("chain", (7.0,)), ("fanout", (1.0, 2.0, 3.0))}
    assert about["peers"].keys() == {"dbos", "celery"}


def test_subjects_take_turns_and_the_first_round_is_thrown_away():
    turns = []

    class Subject:
        def __init__(self, name):
            self.name = name

        def run(self, workload):
            turns.append((workload, self.name))
            return {"m": float(len(turns))}

    found = measure("g", [Subject("a"), Subject("b")], ["chain"], runs=2)
    assert turns == [("chain", "a"), ("chain", "b")] * 3
    assert [each.values for each in found] == [(3.0, 5.0), (4.0, 6.0)]


@pytest.mark.parametrize("name", {(peer.program or (name,))[0]: name for name, peer in PEERS.items()})
def test_a_peer_is_pinned_without_an_address(name):
    lines = (PINS / f"requirements-{name}.txt").read_text().splitlines()
    assert lines
    assert all(re.fullmatch(r"[\w.\[\]-]+==[\w.]+( ; .+)?", line) for line in lines), lines


def test_figures_are_kept_a_line_each():
    text = FIGURES.read_text()
    assert len(text.splitlines()) >= len(json.loads(text)["figures"])


if __name__ == "__main__":
    for part, content in parts(HERE / "figures.json").items():
        golden(part).write_text(content.strip() + "\n")
