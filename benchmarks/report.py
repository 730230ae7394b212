"""`python -m benchmarks report FILE`: writes tables and the plot of figures that were kept into the docs."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import plot, tables
from benchmarks.figures import Figures
from benchmarks.rounds import read

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE, PLOT = DOCS / "benchmarks.md", DOCS / "benchmarks" / "peers.svg"


def main(arguments: Sequence[str]) -> None:
    """Raises KeyError if the page has no place for a part."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks report", description=__doc__)
    parser.add_argument("file", type=Path, metavar="FILE")
    found = parts(parser.parse_args(arguments).file)
    PLOT.write_text(found.pop("plot"))
    PAGE.write_text(filled(PAGE.read_text(), found))


def parts(file: Path) -> dict[str, str]:
    """The parts of the page by name, and the plot."""
    about, found = read(file)
    figures = Figures(found)
    return {
        "machine": "{processors} processors, Python {python}, PostgreSQL {postgresql}, Redis {redis}, on {day}.".format(
            **about["machine"]
        ),
        "ratios": tables.ratios(figures, about, "workers"),
        "ratios of separate processes": tables.ratios(figures, about, "postgres"),
        "behind": tables.behind(figures),
        "aims": tables.aims(figures),
        "ours": tables.ours(figures),
        "plot": plot.draw(figures),
    }


def filled(page: str, found: Mapping[str, str]) -> str:
    """The page with each part between its marks. Raises KeyError if a part has none."""
    for name, text in found.items():
        marks = f"<!-- {name} -->", f"<!-- end of {name} -->"
        if not all(mark in page for mark in marks):
            raise KeyError(name)
        between = re.compile(f"{re.escape(marks[0])}.*?{re.escape(marks[1])}", re.DOTALL)
        page = between.sub(lambda _, text=text, marks=marks: f"{marks[0]}\n{text}\n{marks[1]}", page)
    return page
