"""Reads `artifacts`: which files a task takes from others, and which it leaves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from engine.core.model import ArtifactIn, Artifacts
from engine.spec.fields import CEL_WORDS, ID
from engine.spec.listed import Listed
from engine.spec.nodes import Path
from engine.spec.notebook import Notebook
from engine.spec.task_models import ArtifactKeys

HERE = "."
"""Where files of the list form of `in` go: into the task's folder, under the paths they had."""


def read_artifacts(keys: ArtifactKeys) -> Artifacts:
    """The keys as the core reads them; what is wrong with them is noted by `check_artifacts`."""
    return Artifacts(
        in_=tuple(
            ArtifactIn(task=task, name=name, to=to)
            for to, text in _taken(keys)
            for task, _, name in [text.partition(".")]
        ),
        out=dict(keys.out) if isinstance(keys.out, Mapping) else {named(path): path for path in keys.out},
    )


def named(path: str) -> str:
    """What a file of the list form of `out` is called: its stem, made an id."""
    return re.sub(r"[^a-z0-9_]+", "_", PurePosixPath(path).stem.lower()).strip("_")


def check_artifacts(notebook: Notebook, listed: Listed, name: str, path: Path) -> None:
    """Note what is wrong with the artifacts of a task of a list; `path` is that of the task."""
    keys = listed.tasks[name].artifacts
    if keys is None:
        return
    _check_left(notebook, keys, (*path, "artifacts", "out"))
    for index, (to, text) in enumerate(_taken(keys)):
        at: Path = (*path, "artifacts", "in", to if isinstance(keys.in_, Mapping) else index)
        if not _inside(to):
            notebook.note(at, "bad-value", f'"{to}" leads out of the folder of the task', at_key=True)
        task, _, artifact = text.partition(".")
        source = listed.source(name, task)
        if source is None:
            suggestion = notebook.suggest(task, [other for other in listed.awaited(name) if other != name])
            message = f'task "{name}" does not wait for a task "{task}", so it cannot have its files'
            notebook.note(at, "unknown-artifact", message, suggestion=suggestion)
        elif not (left := read_artifacts(source.artifacts or ArtifactKeys()).out):
            notebook.note(at, "unknown-artifact", f'task "{task}" leaves no files: it has no `artifacts: {{out: …}}`')
        elif artifact and artifact not in left:
            message = f'task "{task}" leaves no files called "{artifact}", only {", ".join(left)}'
            notebook.note(at, "unknown-artifact", message, suggestion=notebook.suggest(artifact, left))


def _check_left(notebook: Notebook, keys: ArtifactKeys, path: Path) -> None:
    entries = keys.out.items() if isinstance(keys.out, Mapping) else [(named(text), text) for text in keys.out]
    seen = set()
    for index, (name, text) in enumerate(entries):
        at: Path = (*path, name if isinstance(keys.out, Mapping) else index)
        if not _inside(text):
            notebook.note(at, "bad-value", f'"{text}" leads out of the folder of the task')
        if not re.fullmatch(ID, name) or name in CEL_WORDS:
            message = f'"{name}", the name of these files, is no id; write `out` as a map of a name to the path'
            notebook.note(at, "bad-value", message)
        elif name in seen:
            message = f'two entries are called "{name}"; write `out` as a map of a name to the path'
            notebook.note(at, "bad-value", message)
        seen.add(name)


def _taken(keys: ArtifactKeys) -> Iterator[tuple[str, str]]:
    """Where each of the files goes, and `task.name` or `task`, which it comes from."""
    yield from keys.in_.items() if isinstance(keys.in_, Mapping) else ((HERE, text) for text in keys.in_)


def _inside(path: str) -> bool:
    return not path.startswith(("/", "~")) and ".." not in PurePosixPath(path).parts and "\0" not in path
