"""Finds the tests among files, reads them, and runs them."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from engine.simulate.case import Outcome, run
from engine.simulate.coverage import Coverage
from engine.simulate.forked import each, share
from engine.simulate.strangers import strangers
from engine.simulate.world import Startable
from engine.spec.case_models import TestFileKeys
from engine.spec.document import read
from engine.spec.findings import Finding, ordered
from engine.spec.load import Loaded, is_project, load
from engine.spec.nodes import Document
from engine.spec.shape import read_shape, suggest
from engine.spec.validation import validator

SUFFIXES = (".test.yaml", ".test.yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """One case that was run. `seconds` of real time; the `timeline` is that of a case that failed."""

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
    wanted: set[str] = field(default_factory=set)
    """Names of workflows that tests are for."""

    def add(self, other: Report) -> None:
        """What came of further files."""
        self.findings += other.findings
        self.cases += other.cases
        self.wanted |= other.wanted
        for name, coverage in other.coverage.items():
            if name in self.coverage:
                self.coverage[name].add(coverage)
            else:
                self.coverage[name] = coverage

    @property
    def failed(self) -> list[Ran]:
        """The cases that failed."""
        return [case for case in self.cases if case.problems]


def is_test(path: str) -> bool:
    """Whether this file tests a workflow."""
    return path.endswith(SUFFIXES)


def run_files(
    files: Mapping[str, bytes], *, only: str = "", beside: Collection[str] = (), processes: int = 1
) -> Report:
    """Run the cases of all test files among `files` (which has the workflows too) whose name contains `only`.

    With several `processes` each takes some of the test files. `beside` are files that are there only because others
    may need them: what is wrong with them is told only if a test needs them, and their coverage is that of the cases
    that reach them.
    """
    loaded = load(files)
    workflows = {
        definition.name: Startable(definition=definition, inputs=validator(definition.inputs or {"type": "object"}))
        for definition in loaded.workflows.values()
    }
    tests = {path: len(files[path]) for path in sorted(filter(is_test, files))}
    parts = share(tests, processes)

    def play(paths: Iterable[str]) -> Report:
        runner = _Runner(loaded, workflows, only.lower())
        for path in paths:
            runner.play(path, files[path])
        return runner.report

    report = Report()
    for path, definition in sorted(loaded.workflows.items()):
        if path not in beside:
            report.coverage[definition.name] = Coverage.of(definition)
    for played in each(play, parts) if len(parts) > 1 else map(play, parts):
        report.add(played)
    report.cases.sort(key=lambda ran: ran.path)  # and those of one file stay in its order
    report.findings = list(ordered([*report.findings, *_errors(loaded, beside, report.wanted)]))
    return report


class _Runner:
    """Runs test files one after the other."""

    def __init__(self, loaded: Loaded, workflows: Mapping[str, Startable], only: str) -> None:
        self.report = Report()
        self._loaded = loaded
        self._workflows = workflows
        self._only = only

    def play(self, path: str, data: bytes) -> None:
        """Run what one file asks for."""
        document = read(path, data)
        keys = read_shape(document, TestFileKeys) if isinstance(document, Document) else document
        if not isinstance(document, Document) or not isinstance(keys, TestFileKeys):
            self.report.findings += keys if isinstance(keys, list) else []
            return
        self.report.wanted.add(keys.workflow)
        tested = self._workflows.get(keys.workflow)
        if tested is None:
            self.report.findings += _unknown_workflow(document, keys, self._loaded, self._workflows)
            return
        self.report.findings += strangers(document, keys, self._workflows)
        self.report.coverage.setdefault(keys.workflow, Coverage.of(tested.definition))
        for index, case in enumerate(keys.cases):
            if self._only not in f"{keys.workflow} {case.name}".lower():
                continue
            began = time.perf_counter()
            outcome = run(keys.workflow, self._workflows, case)
            seconds = time.perf_counter() - began
            self._see(outcome)
            self.report.cases.append(_ran(document, keys, index, outcome, seconds))

    def _see(self, outcome: Outcome) -> None:
        for definition, scopes in outcome.scopes:
            coverage = self.report.coverage.get(definition.name)
            if coverage is None:
                coverage = self.report.coverage[definition.name] = Coverage.of(definition)
            coverage.see(definition, scopes)


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


def _errors(loaded: Loaded, beside: Collection[str], wanted: Collection[str]) -> Iterator[Finding]:
    """What is wrong with the workflows, as far as it matters here. A file whose keys are wrong may be the one that is wanted."""
    names = {file.document.source.path: file.keys.name for file in loaded.files}
    lost = set(wanted) - set(names.values())
    for finding in loaded.errors:
        name = names.get(finding.path)
        matters = name in wanted or (name is None and lost)
        if matters or finding.path not in beside or is_project(finding.path):
            yield finding


def _unknown_workflow(
    document: Document, keys: TestFileKeys, loaded: Loaded, known: Mapping[str, Startable]
) -> Iterator[Finding]:
    """A workflow that has errors is known by its findings already."""
    if any(file.keys.name == keys.workflow for file in loaded.files):
        return
    message = f'there is no workflow "{keys.workflow}" beside this file'
    yield document.finding(("workflow",), "unknown-workflow", message, suggestion=suggest(keys.workflow, known))
