import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from engine.web.standalone import standalone
from tests.web.definitions import RELEASE
from tests.web.nested import FLEET
from tests.web.test_mermaid import DEFINITIONS


@pytest.mark.parametrize("definition", [RELEASE, FLEET, *DEFINITIONS.values()], ids=lambda definition: definition.name)
def test_it_is_whole_and_fetches_nothing(definition):
    text = standalone(definition)
    root = ET.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert {child.get("data-task") for child in root.iter()} > {task for task in definition.tasks.tasks if task}
    assert "var(" not in text
    assert "url(" not in text
    assert "href" not in text
    assert float(root.get("width")) > 100


def test_colours_are_those_of_the_pages_in_light_and_in_dark():
    light, dark = standalone(RELEASE).split("@media (prefers-color-scheme: dark)")
    assert ".dag .node .name { fill: #1d1f21;" in light
    assert ".dag .node .name { fill: #e7e8ea;" in dark
    assert re.search(r"\.dag \{[^}]*font-family: system-ui", light)


def test_what_authors_wrote_is_text():
    definition = replace(RELEASE, name="</title><script>x</script>")
    assert "<script>" not in standalone(definition)
