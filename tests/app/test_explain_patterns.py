"""Every task of every published pattern can be explained at every step, whatever becomes of its tasks."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
import yaml

from engine.app.explain import Explainer
from engine.core.codec import definition_from_json
from engine.core.keys import shape_of, task_path
from engine.core.state import ACTIVE
from tests.app.world import World

FOLDER = Path(__file__).resolve().parent.parent / "patterns"
PATTERNS = sorted(path for path in FOLDER.glob("p*.yaml") if not path.name.endswith(".test.yaml"))
PROJECT = (FOLDER / "project.yaml").read_text() if (FOLDER / "project.yaml").exists() else "{}"
ROUNDS = 12


@pytest.mark.parametrize("path", PATTERNS, ids=lambda path: path.stem)
def test_every_task_at_every_step(sqlite_url, path):
    world = World(sqlite_url)
    try:
        texts = {path.read_text(), (FOLDER / "p01.yaml").read_text()}
        world.load(*texts, project=PROJECT)
        case = yaml.safe_load(path.with_suffix(".test.yaml").read_text())["cases"][0]
        name = yaml.safe_load(path.read_text())["name"]
        instance = world.starter.start(name, case.get("inputs", {}), by="ana")
        drawn, explained = Random(path.name), 0
        for _ in range(ROUNDS):
            explained += look_at_all(world, instance)
            world.notice()
            for command in world.queued():
                if command["type"] == "RunTask":
                    world.answer(command, error="exit" if drawn.random() < 0.3 else "")
            world.move(3_600_000)
            world.wait_for_timers()
        assert explained
    finally:
        world.close()


def look_at_all(world, instance):
    """Explain the instance and each task that it has or may have; gives how many."""
    stores = world.instances
    explainer = Explainer(reader=world.reader, instances=stores.store, approvals=stores.approvals, slots=stores.slots)
    whole = explainer.explain(instance)
    assert whole.why
    definition = definition_from_json(stores.store.definition(world.get(instance).digest))
    scopes = world.reader.scopes(instance)
    paths = [task_path(scope, name) for scope in scopes for name in definition.lists[shape_of(scope)].tasks]
    for path in paths:
        (task,) = explainer.explain(instance, path).tasks
        assert task.path == path
        assert task.why
        assert bool(task.waits) == (task.state in ACTIVE), task
        assert all(edge.satisfied is not None for edge in task.edges) or task.state in ("pending", *ACTIVE) or task.join
    return len(paths)
