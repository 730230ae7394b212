"""The examples that come with the program, as files to begin with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.core.model import Definition

PROJECT = "project.yaml"
_EDITOR_LINE = re.compile(r"\A# yaml-language-server:.*\n")
"""It names a schema by its place in our repository."""


@dataclass(frozen=True)
class Example:
    """A workflow with its test."""

    name: str
    text: str
    test: str

    @cached_property
    def definition(self) -> Definition:
        """As it is compiled by itself."""
        from engine.errors import Broken
        from engine.spec.load import load_one

        definition, _ = load_one(f"{self.name}.yaml", self.text.encode())
        if definition is None:
            raise Broken(f"the example {self.name} has errors")
        return definition

    @property
    def calls(self) -> set[str]:
        """The workflows that it names."""
        tasks = (task for found in self.definition.lists.values() for task in found.tasks.values())
        after = {trigger.name for trigger in self.definition.workflows}
        return after | {task.workflow for task in tasks if task.workflow}

    def called(self, name: str) -> Example:
        """The same under another name."""
        return Example(name, _renamed(self.text, "name", name), _renamed(self.test, "workflow", name))


def examples() -> dict[str, Example]:
    """All by name."""
    folder = _folder()
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".yaml"))
    own = [name.removesuffix(".yaml") for name in names if not name.endswith(".test.yaml") and name != PROJECT]
    return {name: Example(name, _read(folder, f"{name}.yaml"), _read(folder, f"{name}.test.yaml")) for name in own}


def project() -> str:
    """What the examples share."""
    return _read(_folder(), PROJECT)


def needed(example: Example, known: dict[str, Example]) -> Iterator[Example]:
    """The examples that it names, and those that they name."""
    seen = {example.name}
    left = [example]
    while left:
        for name in sorted(left.pop().calls - seen):
            seen.add(name)
            left.append(known[name])
            yield known[name]


def _folder() -> Traversable | Path:
    """In the wheel they are within the package, in a checkout beside it."""
    within = resources.files("engine.cli") / "example_files"
    return within if within.is_dir() else Path(__file__).resolve().parents[2] / "workflows"


def _read(folder: Traversable | Path, name: str) -> str:
    return _EDITOR_LINE.sub("", (folder / name).read_text("utf-8"))


def _renamed(text: str, key: str, name: str) -> str:
    return re.sub(rf"^{key}: .*$", f"{key}: {name}", text, count=1, flags=re.MULTILINE)
