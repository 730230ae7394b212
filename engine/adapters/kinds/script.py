"""The kind `script` (`run:` in a file): a shell script in a child process of its own session, with an environment of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from engine.adapters.kinds.params import read
from engine.adapters.kinds.process import attend
from engine.adapters.kinds.workplace import variables, workplace
from engine.app.kinds import Call, misused
from engine.core.values import JsonObject
from engine.spec.kinds import ScriptParams

SHELLS: Mapping[str, tuple[str, ...]] = {
    "bash": ("bash", "--noprofile", "--norc", "-eu", "-o", "pipefail"),
    "sh": ("sh", "-eu"),
}
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")
"""All that a script sees of the worker's own environment: settings and secrets of the engine are none of its business."""


class Script:
    """Takes `script`, `shell` (bash or sh) and `working_directory` (default: a fresh folder, removed afterwards)."""

    def run(self, call: Call) -> JsonObject:
        """Raises Failed: `config`, `exit`, `timeout`, `outputs`, `artifact`; Stopped."""
        params = read(ScriptParams, call)
        with workplace(call, "script") as work:
            source = work.place / "script"
            source.write_text(params.script, "utf-8", newline="")
            folder = Path(params.working_directory or work.folder)
            if not folder.is_dir():
                raise misused(f"`working_directory` {str(folder)!r} is no folder on this worker")
            environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
            environment |= variables(call) | {"HEADRACE_OUTPUT": str(work.output)}
            left = work.receive(folder)
            ending = attend(started((*SHELLS[params.shell], str(source)), folder, environment), left)
            return work.finish(ending, folder)


def started(argv: tuple[str, ...], folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """A program in a session of its own, whose output can be read. Raises Failed (`config`)."""
    try:
        return subprocess.Popen(
            argv,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise misused(f"{argv[0]} cannot be started: {error}") from None
