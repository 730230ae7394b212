"""Whatever the world does, at whatever time: an instance ends, nothing of it is left over, and it goes the same way again."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.keys import task_path
from engine.core.model import Definition
from engine.core.state import ACTIVE
from engine.simulate import case as case_module
from engine.simulate.case import run
from engine.simulate.strangers import REAL
from engine.simulate.world import Startable
from engine.spec.case_models import CaseKeys
from tests.simulate.playing import workflows
from tests.simulate.production import Recorder, hold

KNOWN = {folder: workflows(folder) for folder in ("tests/patterns", "tests/simulate/whole")}
SUBJECTS = [(folder, name) for folder, known in KNOWN.items() for name in known]

AFTER = st.sampled_from(["0s", "1s", "1m", "59m", "1h", "3d"])
GOOD = st.fixed_dictionaries({"after": AFTER})
BAD = st.fixed_dictionaries({"after": AFTER, "error": st.just("no"), "kind": st.sampled_from(["exit", "network"])})
CANCELLED = st.fixed_dictionaries({"after": AFTER, "outcome": st.just("cancelled")})
ATTEMPTS = st.lists(GOOD | BAD, min_size=8, max_size=8).map(lambda some: [*some, *[{}] * 200])
LEAF = GOOD | BAD | CANCELLED | ATTEMPTS


def value_of(schema: Any) -> st.SearchStrategy[Any]:
    """Something that fits a simple schema."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case "integer":
            return st.integers(schema.get("minimum", 0), schema.get("maximum", 3))
        case "number":
            return st.sampled_from([0.1, 0.9])
        case "boolean":
            return st.booleans()
        case "array":
            return st.lists(value_of(schema.get("items", {})), max_size=3, unique_by=repr)
        case "object":
            return st.fixed_dictionaries({key: value_of(each) for key, each in schema.get("properties", {}).items()})
    return st.sampled_from(["a", "b", "c"])


def mock_of(kind: str, declared: Any) -> st.SearchStrategy[Any]:
    if kind == "approval":
        return st.fixed_dictionaries({"after": AFTER, "outcome": st.sampled_from(["approved", "rejected"])})
    if kind == "event":
        return st.fixed_dictionaries({"after": AFTER, "outcome": st.sampled_from(["received", "timed_out"])})
    if declared:
        outputs = st.fixed_dictionaries({key: value_of(schema) for key, schema in declared.items()})
        good = st.fixed_dictionaries({"after": AFTER, "outputs": outputs})
        return (
            good | st.lists(good | BAD, min_size=8, max_size=8).map(lambda some: some * 25)
            if kind != "http"
            else good | BAD
        )
    return LEAF


def pattern(path: str) -> str:
    return path.replace("[]", "[*]").replace("#", "#*")


def leaves(known: dict[str, Startable], definition: Definition, prefix: str = "", depth: int = 0):
    for shape, tasks in definition.lists.items():
        for name, task in tasks.tasks.items():
            path = prefix + pattern(task_path(shape, name))
            if task.kind == "workflow" and task.workflow in known and depth < 2:
                yield from leaves(known, known[task.workflow].definition, f"{path}/", depth + 1)
            elif task.kind not in REAL:
                yield path, task


@st.composite
def cases(draw: st.DrawFn, folder: str, name: str) -> CaseKeys:
    known = KNOWN[folder]
    mocks = {
        path: draw(mock_of(task.kind, task.outputs))
        for path, task in leaves(known, known[name].definition)
        if not (task.kind == "event" and task.match is not None)
    }
    required = known[name].definition.inputs.get("properties", {})
    inputs = {key: draw(value_of(schema)) for key, schema in required.items()}
    cancel = draw(st.none() | st.fixed_dictionaries({"after": st.sampled_from(["0s", "30s", "1h", "5h", "2d"])}))
    written: dict[str, Any] = {"name": "anything", "inputs": inputs, "mocks": mocks, "expect": {}}
    if cancel is not None:
        written["cancel"] = cancel
    return CaseKeys.model_validate(written)


@pytest.mark.parametrize(("folder", "name"), SUBJECTS)
def test_it_ends_and_leaves_nothing_behind(folder: str, name: str, monkeypatch):
    monkeypatch.setattr(case_module, "World", Recorder)

    @given(cases(folder, name))
    def holds(case: CaseKeys) -> None:
        outcome = run(name, KNOWN[folder], case)
        world = Recorder.made
        for problem in outcome.problems:
            assert "does not end; it waits at" in problem or "ended before it was to be cancelled" in problem, problem
        if any("does not end" in problem for problem in outcome.problems):
            waiting = {kind_of(instance, path) for instance in world.instances.values() for path in active(instance)}
            assert waiting & {"event", "approval"}, outcome.problems
            return
        for instance in world.instances.values():
            assert instance.is_final
            assert active(instance) == []
            assert {state["status"] for state in instance.scopes.values()} == {"settled"}
            assert (instance.state == "failed") >= bool(instance.root.get("error"))
        assert not any(group.places for group in world.gates._groups.values())
        assert world.board._waits == {}
        again = run(name, KNOWN[folder], case)
        assert Recorder.made.moments == world.moments
        assert again.problems == outcome.problems

    holds()


@pytest.mark.parametrize("name", [name for folder, name in SUBJECTS if folder == "tests/simulate/whole"])
def test_the_real_batches_go_the_same_way(name: str, sqlite_url: str, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(case_module, "World", Recorder)
    fresh = Path(sqlite_url.removeprefix("sqlite:///"))

    @settings(max_examples=max(1, settings.default.max_examples // 3))
    @given(cases("tests/simulate/whole", name))
    def holds(case: CaseKeys) -> None:
        run(name, KNOWN["tests/simulate/whole"], case)
        copy = tmp_path / "copy.db"
        for left in tmp_path.glob("copy.db*"):
            left.unlink()
        shutil.copy(fresh, copy)
        hold(Recorder.made, f"sqlite:///{copy}")

    holds()


def active(instance: Any) -> list[tuple[str, str]]:
    return [
        (path, name)
        for path, state in instance.scopes.items()
        for name, task in state["tasks"].items()
        if task["state"] in ACTIVE
    ]


def kind_of(instance: Any, place: tuple[str, str]) -> str:
    return str(instance.definition.task_list(place[0]).tasks[place[1]].kind)
