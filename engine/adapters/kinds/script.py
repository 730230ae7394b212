"""The kind `script` (`run:` in a file): a shell script in a child process of its own session, with an environment of its own."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from engine.adapters.kinds import script_outputs
from engine.adapters.kinds.process import Ending, attend
from engine.app.kinds import Call, Failed, Stopped, misused, only, text
from engine.core.values import Json, JsonObject

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
        only(call.params, "script", "shell", "working_directory")
        shell = text(call.params, "shell", "bash")
        if shell not in SHELLS:
            raise misused(f"`shell` must be one of {', '.join(SHELLS)}, not {shell!r}")
        with TemporaryDirectory(prefix="headrace-", ignore_cleanup_errors=True) as folder:
            place = Path(folder)
            source, output, fresh = place / "script", place / "output", place / "work"
            source.write_text(text(call.params, "script"), "utf-8", newline="")
            output.touch(mode=0o600)
            fresh.mkdir()
            ending = self._run((*SHELLS[shell], str(source)), call, _environment(call, output), fresh)
            _judge(call, ending)
            return script_outputs.read(output, call.outputs)

    def _run(self, argv: tuple[str, ...], call: Call, environment: dict[str, str], fresh: Path) -> Ending:
        directory = Path(text(call.params, "working_directory", str(fresh)))
        if not directory.is_dir():
            raise misused(f"`working_directory` {str(directory)!r} is no folder on this worker")
        try:
            process = subprocess.Popen(
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
        return attend(process, call)


def _environment(call: Call, output: Path) -> dict[str, str]:
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
    for name, value in call.env.items():
        if not _NAME.fullmatch(name):
            raise misused(f"{name!r} is no name for a variable")
        environment[name] = _written(name, value)
    return environment | {
        "HEADRACE_OUTPUT": str(output),
        "HEADRACE_INSTANCE": call.instance,
        "HEADRACE_PATH": call.path,
        "HEADRACE_ATTEMPT": str(call.attempt),
        "HEADRACE_IDEMPOTENCY_KEY": call.idempotency_key,
        "HEADRACE_WORKFLOW": call.workflow,
    }


def _written(name: str, value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise misused(f"`env.{name}` must be text, a number or a boolean")


def _judge(call: Call, ending: Ending) -> None:
    if ending.why == "stopped":
        raise Stopped
    if ending.why == "timeout":
        raise Failed("timeout", f"the script did not end within {call.timeout} ms", {"last_lines": ending.last_lines})
    if ending.code != 0:
        how = f"ended with exit code {ending.code}" if ending.code > 0 else f"was killed by signal {-ending.code}"
        last = f": {ending.last_lines[-1]}" if ending.last_lines else ""
        raise Failed("exit", f"the script {how}{last}", {"code": ending.code, "last_lines": ending.last_lines})
