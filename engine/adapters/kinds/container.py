"""The kind `container`: a program in a container of its own, through a command that takes docker's arguments."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import PurePosixPath

from engine.adapters.kinds.params import read
from engine.adapters.kinds.process import Ending, attend
from engine.adapters.kinds.script import INHERITED, started
from engine.adapters.kinds.workplace import Workplace, variables, workplace
from engine.app.kinds import Call, misused
from engine.core.values import JsonObject
from engine.spec.kinds import ContainerParams

COMMANDS = ("docker", "podman")
"""Looked for in this order."""
WORK, HEADRACE = "/work", "/headrace"
"""Where the task's folder, and that of the file for its outputs, are in the container."""
REMOVE = 20.0
"""Seconds after which a command that removes a container is given up."""
_ITS_OWN = re.compile(
    r"PATH|HOME|TMPDIR|(LD|XDG|CONTAINERS)_.*|CONTAINER_(HOST|CONNECTION|SSHKEY)"
    r"|DOCKER_(HOST|CONFIG|CONTEXT|CERT_PATH|TLS.*|API_VERSION|AUTH_CONFIG|CONTENT_TRUST.*|DEFAULT_PLATFORM)"
)
"""Variables that the command itself reads, to find its daemon and what it keeps on disk."""
_PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"})


class Container:
    """Takes `image`, `command`, `args`, `entrypoint`, `working_directory`, `pull`, `network` and `user`."""

    def __init__(self, command: str = "") -> None:
        """`command` as in the settings; empty: the first of COMMANDS that is there."""
        self._command = command

    def run(self, call: Call) -> JsonObject:
        """Raises Failed: `config`, `exit`, `timeout`, `outputs`, `artifact`; Stopped."""
        params = read(ContainerParams, call)
        program = self._program()
        inside = variables(call) | {"HEADRACE_OUTPUT": f"{HEADRACE}/output"}
        if own := sorted(name for name in inside if _ITS_OWN.fullmatch(name)):
            raise misused(
                f"`env.{own[0]}` would be read by {PurePosixPath(program).name} itself: set it in the command"
            )
        with workplace(call, "container") as work:
            _open(work)
            left = work.receive(work.folder)
            name = _name(call)
            argv = [program, "run", "--rm", "--name", name, *_options(params, work, inside), *_program_of(params)]
            ending = _run(argv, name, work, left, {**_environment(), **inside})
            return work.finish(ending, work.folder)

    def _program(self) -> str:
        for command in (self._command,) if self._command else COMMANDS:
            if found := shutil.which(command):
                return found
        missing = f"no {self._command!r}" if self._command else f"neither {' nor '.join(COMMANDS)}"
        raise misused(f"this worker has {missing} to run containers with")


def _options(params: ContainerParams, work: Workplace, inside: Mapping[str, str]) -> Sequence[str]:
    """Each value is a word of its own, so that none can be taken for an option."""
    if params.image.startswith("-"):
        raise misused(f"{params.image!r} is no name of an image")
    folder = str(PurePosixPath(WORK, params.working_directory or ""))
    found = ["--pull", params.pull, "--workdir", folder]
    found += ["--volume", f"{work.folder}:{WORK}", "--volume", f"{work.output.parent}:{HEADRACE}"]
    for name in sorted(inside):
        found += ["--env", name]  # the value is in the environment of the command: arguments are seen by everybody
    for option, value in (
        ("--network", params.network),
        ("--user", params.user),
        ("--entrypoint", _entrypoint(params)),
    ):
        if value is not None:
            found += [f"{option}={value}"]
    return found


def _entrypoint(params: ContainerParams) -> str | None:
    return "sh" if params.entrypoint is None and isinstance(params.command, str) else params.entrypoint


def _program_of(params: ContainerParams) -> Sequence[str]:
    """A text is read by a shell, whose `$1` and so on are `args`."""
    if not isinstance(params.command, str):
        return [params.image, *(params.command or ()), *params.args]
    shell = ["-eu", "-c", params.command, "sh", *params.args]
    return [params.image, *shell] if params.entrypoint is None else [params.image, "sh", *shell]


def _run(argv: Sequence[str], name: str, work: Workplace, call: Call, environment: Mapping[str, str]) -> Ending:
    """The container ends with its command, however that ends; one that a killed worker left goes first."""
    _remove(argv[0], name)
    clean = False
    try:
        ending = attend(started(tuple(argv), work.place, environment), call)
        clean = ending.why == "exit" and ending.code >= 0
    finally:
        if not clean:
            _remove(argv[0], name)
    return ending


def _remove(program: str, name: str) -> None:
    with suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(
            (program, "rm", "--force", name),
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=REMOVE,
        )


def _environment() -> dict[str, str]:
    """What the command needs to find its daemon and its registries; none of it is handed on."""
    wanted = _PROXIES.union(INHERITED)
    return {name: value for name, value in os.environ.items() if name in wanted or _ITS_OWN.fullmatch(name)}


def _name(call: Call) -> str:
    """The same for the same attempt, wherever it is done again."""
    task = hashlib.sha256(call.path.encode()).hexdigest()[:12]
    return f"headrace-{re.sub('[^A-Za-z0-9_.-]', '-', call.instance)}-{task}-{call.attempt}"


def _open(work: Workplace) -> None:
    """Whoever runs in the container may write here; the folder above is closed to everybody else on the machine."""
    for folder in (work.folder, work.output.parent):
        folder.chmod(0o777)
    work.output.chmod(0o666)
