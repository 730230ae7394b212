"""The edit that lets a task wait for another one, for an expression that reads what its place does not wait for."""

from __future__ import annotations

import re

from engine.spec.findings import Edit
from engine.spec.nodes import LINE_BREAK, Document, Mapping, Node, Scalar, Sequence, Span

_BEFORE_ITEM = re.compile(r"[ ]*-[ ]+")
_BEFORE_KEY = re.compile(r"[ ]*(?:-[ ]+)?")


def needing(document: Document, offset: int, name: str) -> tuple[Edit, ...]:
    """The edit that adds `name` to the `needs` of the task around `offset`; none where that task cannot wait for it."""
    task = _waiting(document.root, offset, name)
    if task is None:
        return ()
    needs = task.entries.get("needs")
    text = document.source.text
    if needs is None:
        at = next(iter(task.entries.values())).key_span.start
        before = _line_before(text, at, _BEFORE_KEY)
        flow = text.startswith("{", task.span.start)
        new = f"needs: {name}, " if flow else None if before is None else f"needs: {name}\n{' ' * len(before)}"
        return () if new is None else (document.source.edit(Span(at, at), new),)
    if not task.span.start < needs.node.span.start < needs.node.span.end <= task.span.end:
        return ()  # an alias: it stands elsewhere
    if isinstance(needs.node, Scalar):
        written = text[needs.node.span.start : needs.node.span.end]
        return (document.source.edit(needs.node.span, f"[{written}, {name}]"),)
    return _added(document, needs.node, name) if isinstance(needs.node, Sequence) else ()


def _added(document: Document, needs: Sequence, name: str) -> tuple[Edit, ...]:
    if not needs.items:
        return ()
    text, last = document.source.text, needs.items[-1].span
    if text.startswith("[", needs.span.start):
        return (document.source.edit(Span(last.end, last.end), f", {name}"),)
    before = _line_before(text, last.start, _BEFORE_ITEM)
    end = LINE_BREAK.search(text, last.end)
    at = end.start() if end else len(text)
    return () if before is None else (document.source.edit(Span(at, at), f"\n{before}{name}"),)


def _waiting(root: Node, offset: int, name: str) -> Mapping | None:
    """The task around `offset` that has `name` beside it, and which `name` does not wait for."""
    found = None
    left = (
        [root.entries[key].node for key in ("tasks", "finally") if key in root.entries]
        if isinstance(root, Mapping)
        else []
    )
    while left:
        tasks = left.pop()
        if not isinstance(tasks, Mapping):
            continue
        for own, entry in tasks.entries.items():
            task = entry.node
            if isinstance(task, Mapping) and task.span.start <= offset < task.span.end:
                found = task if name in tasks.entries and own not in _awaited(tasks, name) else found
                left = [task.entries["tasks"].node] if "tasks" in task.entries else []
    return found


def _awaited(tasks: Mapping, name: str) -> set[str]:
    """A task and all that it waits for."""
    seen: set[str] = set()
    left = [name]
    while left:
        task = left.pop()
        if task in seen or task not in tasks.entries:
            continue
        seen.add(task)
        value = tasks.entries[task].node.value
        needs = value.get("needs", ()) if isinstance(value, dict) else ()
        left += [str(need).partition(".")[0] for need in ([needs] if isinstance(needs, str) else needs or ())]
    return seen


def _line_before(text: str, at: int, pattern: re.Pattern[str]) -> str | None:
    start = max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1
    return text[start:at] if pattern.fullmatch(text, start, at) else None
