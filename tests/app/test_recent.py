"""What was read a moment ago is believed for a moment, and not for longer."""

from __future__ import annotations

import pytest

from engine.app import recent
from engine.app.recent import Fresh


def test_what_was_read_a_moment_ago_is_not_read_again(monkeypatch: pytest.MonkeyPatch):
    now, asked = [100.0], []
    monkeypatch.setattr(recent.time, "monotonic", lambda: now[0])
    fresh: Fresh[int] = Fresh(2)

    def read(key: str) -> int:
        asked.append(key)
        return len(asked)

    assert [fresh.get("a", read), fresh.get("b", read), fresh.get("a", read)] == [1, 2, 1]
    now[0] += 1.5 * recent.FRESH
    assert fresh.get("a", read) == 3
    assert asked == ["a", "b", "a"]


def test_a_failure_to_read_is_not_remembered():
    fresh: Fresh[int] = Fresh(2)
    with pytest.raises(ZeroDivisionError):
        fresh.get("a", lambda _: 1 // 0)
    assert fresh.get("a", lambda _: 7) == 7
