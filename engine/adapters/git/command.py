"""Runs git with a fixed set of rules around every command, so that no repository or environment can change what it does."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine.app.addresses import without_credentials
from engine.errors import Misconfigured, Unavailable

NO_PROTOCOL = "none"

_NOT_FOUND = 127
"""How `env` ends when there is no such program."""

_LONGEST_COMPLAINT = 600

_PASSED = frozenset(
    {"PATH", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"}
    | {"SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "SSH_AUTH_SOCK"}
)
"""All that git sees of our environment: ways to the network, never GIT_DIR, GIT_CONFIG_* or our secrets."""

_FIXED = {
    "HOME": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=15 -o ServerAliveCountMax=2",
}

_RULES = {
    "core.hooksPath": os.devnull,
    "core.attributesFile": os.devnull,
    "core.fsmonitor": "false",
    "credential.helper": "",
    "fetch.recurseSubmodules": "false",
    "fetch.unpackLimit": "1",  # always one pack: nothing is left half unpacked
    "gc.autoDetach": "false",  # whatever tidies up runs under our lock
    "gc.autoPackLimit": "50",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "30",
    "i18n.logOutputEncoding": "UTF-8",
    "maintenance.autoDetach": "false",
    "submodule.recurse": "false",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    status: int
    stdout: bytes
    stderr: str


def run(
    copy: Path,
    arguments: Sequence[str],
    *,
    stdin: bytes = b"",
    timeout: float = 30.0,
    protocol: str = NO_PROTOCOL,
    config: Mapping[str, str] | None = None,
    keep: Sequence[int] = (),
) -> Ended:
    """Run one git command on the bare repository `copy` and wait up to `timeout` seconds.

    `protocol` is the only one it may speak; `config` goes through the environment, so an address with a password never
    stands on a command line; `keep` are file descriptors (of a lock) that live as long as git and its children do.
    Raises Unavailable (time is up: the whole process group is killed), Misconfigured (there is no git).
    """
    try:
        from git.cmd import Git  # looks for git when it is imported
    except ImportError as error:
        raise Misconfigured("git", f"the program git cannot be run: {error}") from None
    ours = _environment(protocol, config or {})
    dropped = [option for name in os.environ if name not in _PASSED and name not in ours for option in ("-u", name)]
    process = Git().execute(
        ["env", *dropped, "git", f"--git-dir={copy}", *arguments],
        as_process=True,
        istream=subprocess.PIPE,
        env=ours,
        start_new_session=True,
        pass_fds=tuple(keep),
    )
    try:
        stdout, stderr = process.communicate(stdin, timeout=timeout)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise Unavailable(f"git {arguments[0]}", f"no answer within {timeout:g} s") from None
    if process.returncode == _NOT_FOUND:
        raise Misconfigured("git", "the program git is not installed")
    return Ended(status=process.returncode, stdout=stdout, stderr=_readable(stderr))


def _environment(protocol: str, config: Mapping[str, str]) -> dict[str, str]:
    rules = {**_RULES, **config}
    numbered = {f"GIT_CONFIG_KEY_{number}": key for number, key in enumerate(rules)}
    numbered |= {f"GIT_CONFIG_VALUE_{number}": value for number, value in enumerate(rules.values())}
    return {**_FIXED, "GIT_ALLOW_PROTOCOL": protocol, "GIT_CONFIG_COUNT": str(len(rules)), **numbered}


def _readable(stderr: bytes) -> str:
    """What git complained about: on one line, without control characters or passwords, and not too long."""
    text = " ".join(stderr.decode(errors="replace").split())
    printable = "".join(character for character in text if character.isprintable())
    return without_credentials(printable)[:_LONGEST_COMPLAINT]
