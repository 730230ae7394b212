"""A result that other runs take is nobody's to undo, so no task is both kept by `cache` and undone (decision 27)."""

from __future__ import annotations

from engine.spec.listed import Listed
from engine.spec.nodes import Path
from engine.spec.notebook import Notebook


def check_kept(notebook: Notebook, listed: Listed, name: str, path: Path) -> None:
    """Note a `cache` on a task of a list that has a `compensate`, or stands within a task that has; `path` is the task's."""
    if listed.tasks[name].cache is None:
        return
    undone = _undone(listed, name)
    if undone is not None:
        whole = "" if listed.tasks[name].compensate is not None else f' of "{undone}" around it'
        message = (
            f"`cache` belongs to tasks that nothing undoes: the `compensate`{whole} would undo "
            "what other runs have taken, and are at work with"
        )
        notebook.note((*path, "cache"), "misplaced-key", message, at_key=True)


def _undone(listed: Listed, name: str) -> str | None:
    """The nearest of a task and those around it that has something to undo it."""
    if listed.tasks[name].compensate is not None:
        return name
    return None if listed.around is None else _undone(*listed.around)
