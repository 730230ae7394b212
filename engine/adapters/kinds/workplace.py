"""What a kind that runs a program gives it: a folder, files of other tasks in it, variables, and a file for its outputs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from time import monotonic

from engine.adapters.kinds import script_outputs
from engine.adapters.kinds.left_files import left_files
from engine.adapters.kinds.process import Ending
from engine.app.artifact_ports import Content
from engine.app.kinds import Call, Failed, Stopped, misused
from engine.core.expressions.functions.conversions import scalar_text
from engine.core.values import JsonObject

CHUNK = 1024 * 1024
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """The places of one attempt, removed afterwards. `what` runs there, for people."""

    call: Call
    what: str
    place: Path
    folder: Path
    """A fresh folder to work in."""
    output: Path
    """Where the program writes its outputs to."""
    began: float

    def receive(self, folder: Path) -> Call:
        """Put the files there that the attempt gets; returns the call with the time that is left of it."""
        call = self.call
        for given in call.files.given():
            _put(folder, given.file, executable=given.executable, content=given.open)
        if call.timeout is None:
            return call
        return replace(call, timeout=max(0, call.timeout - int((monotonic() - self.began) * 1000)))

    def finish(self, ending: Ending, folder: Path) -> JsonObject:
        """The outputs of a program that ended well; what it leaves is kept. Raises Failed, Stopped."""
        self._judge(ending)
        call = self.call
        outputs = script_outputs.read(self.output, call.outputs)
        if call.files.leaves:
            call.files.leave(left_files(folder, call.files.leaves))
        return outputs

    def _judge(self, ending: Ending) -> None:
        if ending.why == "stopped":
            raise Stopped
        details: JsonObject = {"last_lines": ending.last_lines}
        if ending.why == "timeout":
            raise Failed("timeout", f"the {self.what} did not end within {self.call.timeout} ms", details)
        if ending.code != 0:
            how = f"ended with exit code {ending.code}" if ending.code > 0 else f"was killed by signal {-ending.code}"
            last = f": {ending.last_lines[-1]}" if ending.last_lines else ""
            raise Failed("exit", f"the {self.what} {how}{last}", {"code": ending.code, **details})


@contextmanager
def workplace(call: Call, what: str) -> Iterator[Workplace]:
    """A place for one attempt."""
    began = monotonic()
    with TemporaryDirectory(prefix="headrace-", ignore_cleanup_errors=True) as made:
        place = Path(made)
        folder, output = place / "work", place / "outputs" / "output"
        for each in (folder, output.parent):
            each.mkdir()
        output.touch(mode=0o600)
        yield Workplace(call=call, what=what, place=place, folder=folder, output=output, began=began)


def variables(call: Call) -> dict[str, str]:
    """The task's `env` as text, and who it is. Raises Failed (`config`)."""
    found = {}
    for name, value in call.env.items():
        if not _NAME.fullmatch(name):
            raise misused(f"{name!r} is no name for a variable")
        text = scalar_text(value)
        if text is None:
            raise misused(f"`env.{name}` must be text, a number or a boolean")
        found[name] = text
    return found | {
        "HEADRACE_INSTANCE": call.instance,
        "HEADRACE_PATH": call.path,
        "HEADRACE_ATTEMPT": str(call.attempt),
        "HEADRACE_IDEMPOTENCY_KEY": call.idempotency_key,
        "HEADRACE_WORKFLOW": call.workflow,
    }


def _put(folder: Path, file: str, *, executable: bool, content: Callable[[], AbstractContextManager[Content]]) -> None:
    if PurePosixPath(file).is_absolute() or ".." in PurePosixPath(file).parts:
        raise Failed("artifact", f"{file!r} leads out of the folder of the task")
    place = folder / file
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.parent.resolve().is_relative_to(folder.resolve()):
            raise Failed("artifact", f"{file!r} leads out of the folder of the task")
        place.unlink(missing_ok=True)
        with content() as source, place.open("xb") as made:
            while chunk := source.read(CHUNK):
                made.write(chunk)
        if executable:
            place.chmod(place.stat().st_mode | 0o111)
    except OSError as error:
        raise Failed("artifact", f"{file!r} cannot be written: {error.strerror}") from None
