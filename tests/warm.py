"""Processes of Headrace that begin with all imported, which takes longer than most of them run in tests."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(["engine.cli.main", "engine.cli.local.session", "engine.lsp.server"])


def headrace(
    folder: Path, *arguments: str, variables: Mapping[str, str], stdin: Path, stdout: Path, stderr: Path | None = None
) -> BaseProcess:
    """The command in a process and a session of its own, as a shell starts it in a folder. The streams are files or pipes by name.

    What signals, terminals or the interpreter's own variables do to it wants the installed program instead.
    """
    streams = [(stdin, os.O_RDONLY), (stdout, os.O_WRONLY), *([(stderr, os.O_WRONLY)] if stderr else [])]
    process = _server.Process(target=_become, args=(folder, arguments, dict(variables), streams))
    process.start()
    return process


def _become(
    folder: Path, arguments: Sequence[str], variables: Mapping[str, str], streams: Sequence[tuple[Path, int]]
) -> None:
    from engine.cli.main import main

    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    for number, (path, how) in enumerate(streams):
        opened = os.open(path, how)
        os.dup2(opened, number)
        os.close(opened)
    # What they were at first is that of the server of these processes.
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for as long as the process runs
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
    sys.argv = ["headrace", *arguments]
    main()
