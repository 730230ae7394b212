"""How states look: a tone that the style sheet colours, a sign that tells them apart without colour, words."""

from __future__ import annotations

TONES = {
    "succeeded": "good",
    "approved": "good",
    "received": "good",
    "started": "good",
    "loaded": "good",
    "failed": "bad",
    "rejected": "bad",
    "expired": "bad",
    "timed_out": "bad",
    "refused": "bad",
    "running": "busy",
    "compensating": "busy",
    "cancelling": "busy",
    "waiting": "wait",
    "open": "wait",
    "paused": "wait",
    "queued": "calm",
    "cancelled": "off",
    "skipped": "off",
    "ignored": "off",
    "unchanged": "off",
    "pending": "idle",
}
"""Every state that a page shows. `received` of a delivery is one that nobody has looked at yet, good all the same."""

SIGNS = {
    "good": "M4 8.4 6.8 11.2 12 5.4",
    "bad": "M5 5 11 11M11 5 5 11",
    "busy": "M8 4.2V8l2.6 1.6",
    "wait": "M6.2 5v6M9.8 5v6",
    "calm": "M4.6 8h.02M8 8h.02M11.4 8h.02",
    "off": "M4.6 8h6.8",
    "idle": "",
}
"""Tone to the strokes of its sign, on a field of 16 by 16."""


def tone(state: str) -> str:
    """The tone of a state; a switch's case or anything else a task may end with went well."""
    return TONES.get(state, "good")


def sign(state: str) -> str:
    """The strokes of the state's sign, as an SVG path."""
    return SIGNS[tone(state)]


def words(state: str) -> str:
    """The state as people say it."""
    return state.replace("_", " ")
