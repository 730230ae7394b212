"""The picture of a workflow as an SVG file of its own: the pages' picture and colours, without anything to fetch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources

from markupsafe import Markup

from engine.core.model import Definition
from engine.web.nesting import plan
from engine.web.picture import MARGIN, Picture, picture
from engine.web.svg import number

EDGE = 20.0
TITLE = 34.0
LETTER = 9.0
"""About how wide a letter of the title is."""

_SIZE = re.compile(r'width="([\d.]+)" height="([\d.]+)"')
_VARIABLE = re.compile(r"var\((--[\w-]+)\)")
_SETTING = re.compile(r"(--[\w-]+):\s*([^;]+);")


def standalone(definition: Definition) -> str:
    """The text of the file."""
    drawn = picture(plan(definition), ran=False)
    width, height = _size(drawn)
    wide = max(width, len(definition.name) * LETTER) + 2 * EDGE
    high = height + TITLE + 2 * EDGE
    return str(
        Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" class="dag" width="{wide}" height="{high}" viewBox="0 0 {wide} {high}">'
            "<title>{name}</title><style>{style}</style>"
            '<rect class="ground" width="{wide}" height="{high}" rx="10"/>'
            '<text class="title" x="{left}" y="{base}">{name}</text><g transform="translate({edge} {top})">{drawn}</g></svg>\n'
        ).format(
            wide=number(wide),
            high=number(high),
            name=definition.name,
            style=Markup(_style()),  # noqa: S704 - our own style sheet
            edge=number(EDGE),
            left=number(EDGE + MARGIN),
            base=number(EDGE + 14),
            top=number(EDGE + TITLE),
            drawn=drawn.drawing,
        )
    )


def _size(drawn: Picture) -> tuple[float, float]:
    found = _SIZE.search(drawn.drawing)
    return (float(found[1]), float(found[2])) if found else (0.0, 0.0)


def _style() -> str:
    """What the pages' style sheet says of pictures, with its colours in place: programs that show files know no variables."""
    sheet = resources.files("engine.web").joinpath("static/style.css").read_text("utf-8")
    light, dark = (dict(_SETTING.findall(part)) for part in re.findall(r":root \{(.*?)\}", sheet, re.DOTALL)[:2])
    rules = sheet[sheet.index("/* Graph */") : sheet.index("/* Forms */")]
    rules = "\n".join(line for line in rules.splitlines() if line.startswith(".dag ") and not line.startswith(".dag a"))
    rules += "\n.dag .title { fill: var(--text); font: 620 16px var(--sans); }\n.dag rect.ground { fill: var(--panel); stroke: none; }"
    plain = {"--tone": "currentcolor", "--soft": "none", "--sans": light["--sans"]}
    night = _filled(rules, light | dark | plain)
    return f"\n{_filled(rules, light | plain)}\n@media (prefers-color-scheme: dark) {{\n{night}\n}}\n"


def _filled(rules: str, values: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: values[found[1]], rules)
