"""Recorded histories of earlier versions, taken again by this one: the same states, or running instances would be lost."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from engine.core.codec import definition_from_json
from engine.core.context import Context
from engine.core.replay import replay
from tests.core.record_histories import FOLDER, STORIES, recorded

FILES = sorted(FOLDER.glob("*.json"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_recorded_history_gives_the_state_that_was_stored_then(file: Path) -> None:
    found = orjson.loads(file.read_bytes())
    definition, context = definition_from_json(found["definition"]), Context(**found["context"])
    assert replay(definition, context, map(tuple, found["history"])) == found["scopes"]


def test_every_story_is_recorded_and_can_be_told_once_more() -> None:
    assert {story.__name__ for story in STORIES} <= {file.stem for file in FILES}
    for story in STORIES:
        nest = story()
        nest.check_end()
        assert orjson.loads(orjson.dumps(recorded(nest)))["scopes"] == nest.scopes
