"""The kind `script` (`run:` in a file): a shell script in a child process of its own session, with an environment of its own."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from engine.adapters.kinds import script_outputs
from engine.adapters.kinds.params import read
from engine.adapters.kinds.process import Ending, attend
from engine.app.kinds import Call, Failed, Stopped, misused
from engine.core.expressions.functions.conversions import scalar_text
from engine.core.values import JsonObject
from engine.spec.kinds import ScriptParams

SHELLS: Mapping[str, tuple[str, ...]] = {
    "bash": ("bash", "--noprofile", "--norc", "-eu", "-o", "pipefail"),
    "sh": ("sh", "-eu"),
}
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")
"""All that a script sees of the worker's own environment: settings and secrets of the engine are none of its business."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Script:
    """Takes `script`, `shell` (bash or sh) and `working_directory` (default: a fresh folder, removed afterwards)."""

    def run(self, call: Call) -> JsonObject:
        """Raises Failed: `config`, `exit`, `timeout`, `outputs`; Stopped."""
        params = read(ScriptParams, call)
        with TemporaryDirectory(prefix="headrace-", ignore_cleanup_errors=True) as folder:
            place = Path(folder)
            source, output, fresh = place / "script", place / "output", place / "work"
            source.write_text(params.script, "utf-8", newline="")
            output.touch(mode=0o600)
            fresh.mkdir()
            directory = Path(params.working_directory or fresh)
            process = _started((*SHELLS[params.shell], str(source)), directory, _environment(call, output))
            ending = attend(process, call)
            _judge(call, ending)
            return script_outputs.read(output, call.outputs)


def _started(argv: tuple[str, ...], directory: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    if not directory.is_dir():
        raise misused(f"`working_directory` {str(directory)!r} is no folder on this worker")
    try:
        return subprocess.Popen(
            argv,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise misused(f"{argv[0]} cannot be started: {error}") from None


def _environment(call: Call, output: Path) -> dict[str, str]:
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
    for name, value in call.env.items():
        if not _NAME.fullmatch(name):
            raise misused(f"{name!r} is no name for a variable")
        text = scalar_text(value)
        if text is None:
            raise misused(f"`env.{name}` must be text, a number or a boolean")
        environment[name] = text
    return environment | {
        "HEADRACE_OUTPUT": str(output),
        "HEADRACE_INSTANCE": call.instance,
        "HEADRACE_PATH": call.path,
        "HEADRACE_ATTEMPT": str(call.attempt),
        "HEADRACE_IDEMPOTENCY_KEY": call.idempotency_key,
        "HEADRACE_WORKFLOW": call.workflow,
    }


def _judge(call: Call, ending: Ending) -> None:
    if ending.why == "stopped":
        raise Stopped
    if ending.why == "timeout":
        raise Failed("timeout", f"the script did not end within {call.timeout} ms", {"last_lines": ending.last_lines})
    if ending.code != 0:
        how = f"ended with exit code {ending.code}" if ending.code > 0 else f"was killed by signal {-ending.code}"
        last = f": {ending.last_lines[-1]}" if ending.last_lines else ""
        raise Failed("exit", f"the script {how}{last}", {"code": ending.code, "last_lines": ending.last_lines})
