"""Lints the projects of an editor's folders whenever something in them changed, and tells the editor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from lsprotocol import types

from engine.lint.linter import lint
from engine.lsp.diagnostics import diagnostic
from engine.lsp.positions import Positions
from engine.lsp.workspace import Workspace
from engine.spec.findings import Finding
from engine.spec.nodes import Text

_PAUSE = 0.15
"""Seconds within which what is typed is looked at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What is found in one file, and the text that it was found in."""

    text: str
    findings: tuple[Finding, ...] = ()


def check(workspace: Workspace, folder: Path) -> dict[Path, Checked]:
    """What is found in the files of one project, those without findings among them."""
    files = workspace.files(folder)
    found: dict[str, list[Finding]] = {name: [] for name in files}
    for finding in lint(files):
        found[finding.path].append(finding)
    return {
        folder / name: Checked(text=files[name].decode("utf-8-sig", "replace"), findings=tuple(findings))
        for name, findings in found.items()
    }


class Checker:
    """Keeps the editor's diagnostics up to date: one look at a time, and another one if something changed meanwhile."""

    def __init__(self, workspace: Workspace, publish: Callable[[types.PublishDiagnosticsParams], None]) -> None:
        self.encoding = "utf-16"
        self._workspace = workspace
        self._publish = publish
        self._changed = False
        self._running: asyncio.Task[None] | None = None
        self._told: set[Path] = set()

    def soon(self) -> None:
        """Look at everything again in a moment."""
        self._changed = True
        if self._running is None or self._running.done():
            self._running = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while self._changed:
            await asyncio.sleep(_PAUSE)
            self._changed = False
            seen = replace(self._workspace, buffers=dict(self._workspace.buffers))
            checked = await asyncio.to_thread(_all, seen)
            self._tell(seen, checked)

    def _tell(self, seen: Workspace, checked: dict[Path, Checked]) -> None:
        wrong = {path for path, file in checked.items() if file.findings}
        for path in sorted(wrong | self._told | (checked.keys() & seen.buffers.keys())):
            file = checked.get(path, Checked(text=""))
            positions = Positions(Text(str(path), file.text), self.encoding)
            params = types.PublishDiagnosticsParams(
                uri=seen.uri(path),
                version=seen.buffers[path].version if path in seen.buffers else None,
                diagnostics=[diagnostic(finding, positions) for finding in file.findings],
            )
            self._publish(params)
        self._told = wrong


def _all(workspace: Workspace) -> dict[Path, Checked]:
    return {path: file for folder in workspace.projects() for path, file in check(workspace, folder).items()}
