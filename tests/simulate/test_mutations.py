"""Every expectation of every example, made wrong, fails its case: none of them holds by accident."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from engine.simulate.case import run
from engine.simulate.files import is_test
from engine.spec.case_models import CaseKeys
from engine.spec.document import read
from engine.spec.nodes import Document
from tests.simulate.playing import ROOT, workflows

FOLDERS = ("workflows", "tests/patterns", "tests/simulate/whole")


def wrong_value(value: Any) -> Any:
    if isinstance(value, dict) and value:
        key = next(iter(value))
        return {**value, key: wrong_value(value[key])}
    return {"not": "this"} if value != {"not": "this"} else None


def each(value: dict[str, Any], change: Callable[[Any], Any]) -> Iterator[Any]:
    """One entry changed at a time."""
    return ({**value, key: change(entry)} for key, entry in value.items())


def messages(value: list[Any]) -> Iterator[Any]:
    yield [*value, {}]
    for index, message in enumerate(value):
        if message:
            yield [*value[:index], wrong_value(message), *value[index + 1 :]]


WRONG: dict[str, Callable[[Any], Iterable[Any]]] = {
    "state": lambda value: [state for state in ("succeeded", "failed", "cancelled") if state != value],
    "outcomes": lambda value: each(value, lambda _: "nonsense"),
    "attempts": lambda value: each(value, lambda number: number + 1),
    "skipped": lambda value: each(value, lambda _: "nonsense"),
    "order": lambda value: [value[::-1]] if len(set(value)) == len(value) > 1 else [],
    "outputs": lambda value: [{**value, "nonsense": 1}, *each(value, wrong_value)],
    "inputs": lambda value: each(value, lambda given: wrong_value(given or {"x": 1})),
    "messages": messages,
    "error": lambda _: ["nonsense that nobody says"],
    "refused": lambda _: ["nonsense that nobody says"],
    "duration": lambda _: [{"at_least": "360d"}],
}
"""Each expectation, made wrong in every way that is known here."""


def mutants() -> Iterator[Any]:
    for folder in FOLDERS:
        known = workflows(folder)
        for path in sorted(path for path in (ROOT / folder).glob("*.yaml") if is_test(path.name)):
            document = read(path.name, path.read_bytes())
            assert isinstance(document, Document)
            written: Any = document.root.value
            for case in written["cases"]:
                for key, value in case["expect"].items():
                    for changed in WRONG[key](value):
                        mutant = {**case, "expect": {key: changed}}
                        name = f"{written['workflow']}: {case['name']}: {key}"
                        yield pytest.param(written["workflow"], known, mutant, id=name)


@pytest.mark.parametrize(("name", "known", "mutant"), list(mutants()))
def test_it_fails(name: str, known: Any, mutant: dict[str, Any]):
    if "refused" not in mutant["expect"]:
        assert run(name, known, CaseKeys.model_validate({**mutant, "expect": {}})).problems == ()
    assert run(name, known, CaseKeys.model_validate(mutant)).problems != ()
