"""One bad one among many costs the others nothing but time."""

from __future__ import annotations

import pytest

from engine.app.group import separately, together
from engine.errors import Invalid, Unavailable


def test_what_can_be_done_together_is_done_once():
    asked = []
    assert together(lambda items: asked.append(items) or [item * 2 for item in items], [1, 2, 3]) == [2, 4, 6]
    assert asked == [[1, 2, 3]]
    assert together(lambda _: pytest.fail("nobody asked"), []) == []


@pytest.mark.parametrize("error", [Invalid("a bad one"), KeyError("a bug")])
def test_one_that_is_bad_is_found_and_the_others_are_done(error):
    def act(items):
        if 2 in items:
            raise error
        return [item * 2 for item in items]

    assert together(act, [1, 2, 3]) == [2, error, 6]
    assert together(act, [2]) == [error]


def test_what_does_not_answer_is_not_asked_for_each():
    away, asked = Unavailable("the database"), []

    def act(item):
        asked.append(item)
        if item == 2:
            raise away
        return item

    assert separately(act, [1, 2, 3, 4]) == [1, away, away, away]
    assert asked == [1, 2]
    asked.clear()
    assert together(lambda items: [act(2) for _ in items], [1, 2, 3]) == [away] * 3
    assert asked == [2]
