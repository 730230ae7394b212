"""Finds the tests beside the workflows, reads them, and runs them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from engine.core.keys import shape_of
from engine.core.model import Definition
from engine.simulate.case import Outcome, run
from engine.simulate.coverage import Coverage
from engine.simulate.mocks import compiled
from engine.spec.case_models import TestFileKeys
from engine.spec.document import read
from engine.spec.findings import Finding
from engine.spec.load import Loaded, load
from engine.spec.nodes import Document, Path
from engine.spec.shape import read_shape, suggest
from engine.spec.validation import validator

SUFFIXES = (".test.yaml", ".test.yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """One case that was run. `seconds` of real time."""

    path: str
    line: int
    workflow: str
    case: str
    problems: tuple[str, ...]
    timeline: tuple[str, ...]
    seconds: float


@dataclass(slots=True, kw_only=True)
class Report:
    """What came of all files. With `findings` some could not be run at all."""

    findings: list[Finding] = field(default_factory=list)
    cases: list[Ran] = field(default_factory=list)
    coverage: dict[str, Coverage] = field(default_factory=dict)

    @property
    def failed(self) -> list[Ran]:
        """The cases that failed."""
        return [case for case in self.cases if case.problems]


def run_files(files: Mapping[str, bytes], *, only: str = "") -> Report:
    """Run the cases of all test files among `files` (which has the workflows too) whose name contains `only`."""
    loaded = load(files)
    report = Report(findings=list(loaded.errors))
    definitions = {definition.name: definition for definition in loaded.workflows.values()}
    tested = [(path, data) for path, data in sorted(files.items()) if path.endswith(SUFFIXES)]
    for path, data in tested:
        document, keys = _read(path, data, report)
        if document is None or keys is None:
            continue
        definition = definitions.get(keys.workflow)
        if definition is None:
            report.findings += _unknown_workflow(document, keys, loaded, definitions)
            continue
        coverage = report.coverage.setdefault(definition.name, Coverage.of(definition))
        report.findings += _strangers(document, keys, definition)
        inputs = validator(definition.inputs or {"type": "object"})
        for index, case in enumerate(keys.cases):
            if only.lower() not in f"{keys.workflow} {case.name}".lower():
                continue
            began = time.perf_counter()
            outcome = run(definition, inputs, case)
            coverage.see(definition, outcome.scopes)
            report.cases.append(_ran(document, keys, index, outcome, time.perf_counter() - began))
    return report


def _read(path: str, data: bytes, report: Report) -> tuple[Document | None, TestFileKeys | None]:
    document = read(path, data)
    if not isinstance(document, Document):
        report.findings += document
        return None, None
    keys = read_shape(document, TestFileKeys)
    if isinstance(keys, TestFileKeys):
        return document, keys
    report.findings += keys
    return None, None


def _ran(document: Document, keys: TestFileKeys, index: int, outcome: Outcome, seconds: float) -> Ran:
    position = document.source.position(document.span(("cases", index, "name")).start)
    return Ran(
        path=document.source.path,
        line=position.line,
        workflow=keys.workflow,
        case=keys.cases[index].name,
        problems=outcome.problems,
        timeline=outcome.timeline,
        seconds=seconds,
    )


def _unknown_workflow(
    document: Document, keys: TestFileKeys, loaded: Loaded, known: Mapping[str, Definition]
) -> Iterator[Finding]:
    """A workflow that has errors is known by its findings already."""
    if any(file.keys.name == keys.workflow for file in loaded.files):
        return
    message = f'there is no workflow "{keys.workflow}" beside this file'
    yield document.finding(("workflow",), "unknown-workflow", message, suggestion=suggest(keys.workflow, known))


def _strangers(document: Document, keys: TestFileKeys, definition: Definition) -> Iterator[Finding]:
    """Paths and patterns that no task of the workflow has: a slip would go unnoticed otherwise."""
    shapes = {_shape(shape, name) for shape, tasks in definition.lists.items() for name in tasks.tasks}
    for index, case in enumerate(keys.cases):
        named: Sequence[tuple[str, str]] = [
            *(("mocks", path) for path in case.mocks),
            *(("expect/outcomes", path) for path in case.expect.outcomes),
            *(("expect/inputs", path) for path in case.expect.inputs),
            *(("expect/attempts", path) for path in case.expect.attempts),
        ]
        for where, path in named:
            if not _is_there(path, shapes):
                at: Path = ("cases", index, *where.split("/"), path)
                meant = suggest(path, shapes)
                message = f'the workflow has no task "{path}"'
                yield document.finding(at, "unknown-task", message, suggestion=meant, at_key=True)
        for number, path in enumerate(case.expect.order):
            if not _is_there(path, shapes):
                place: Path = ("cases", index, "expect", "order", number)
                message = f'the workflow has no task "{path}"'
                yield document.finding(place, "unknown-task", message, suggestion=suggest(path, shapes))


def _shape(shape: str, name: str) -> str:
    return f"{shape}/{name}" if shape and name else shape or name


def _is_there(path: str, shapes: set[str]) -> bool:
    plain = shape_of(path)
    if plain in shapes:
        return True
    if "*" not in path:
        return False
    pattern = compiled(plain.replace("#*", "#"))
    return any(pattern.fullmatch(shape) for shape in shapes)
