"""Which remotes, branches and folders may be named to git: everything else is refused before git sees it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from engine.app.addresses import without_credentials
from engine.errors import Rejected

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SCP = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*:(?!/?/)\S+")
_NOT_IN_REFS = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/$|\.$|^[-./]|/\.|\.lock(?:/|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """Where to fetch from: `url` for git, and the one `protocol` git may speak for it (`https`, `ssh` or `file`)."""

    url: str
    protocol: str

    @property
    def local(self) -> bool:
        """Whether it lies on this machine."""
        return self.protocol == "file"


def remote(text: str) -> Remote:
    """Read a path or URL. Raises Rejected on what git would take for an option, a helper program or another protocol."""
    if not text or text.startswith("-") or "::" in text or _CONTROL.search(text):
        raise Rejected(f"{text!r} is no address of a git repository")
    parts = urlsplit(text) if "://" in text else None
    if parts is None:
        if _SCP.fullmatch(text) and not Path(text).exists():
            return Remote(url=text, protocol="ssh")
        return Remote(url=str(Path(text).expanduser().resolve()), protocol="file")
    if parts.scheme == "file" and parts.netloc in {"", "localhost"}:
        return Remote(url=str(Path(unquote(parts.path)).resolve()), protocol="file")
    host = parts.hostname or ""
    if parts.scheme in {"https", "ssh"} and host and not host.startswith("-"):
        return Remote(url=text, protocol=parts.scheme)
    raise Rejected(f"{without_credentials(text)!r}: a repository is a local path, https://… or ssh://…")


def branch_ref(branch: str | None) -> str:
    """The remote's name of what we follow; None is its default branch. Raises Rejected (git check-ref-format's rules)."""
    if branch is None or branch == "":
        return "HEAD"
    if _NOT_IN_REFS.search(branch) or branch == "@":
        raise Rejected(f"{branch!r} is no name of a branch")
    return f"refs/heads/{branch}"


def folder_steps(folder: str) -> tuple[str, ...]:
    """The folders to go through from the root of the repository; none for the root itself. Raises Rejected."""
    steps = tuple(step for step in folder.split("/") if step not in {"", "."})
    if ".." in steps or _CONTROL.search(folder):
        raise Rejected(f"{folder!r} is no folder of a repository")
    return steps
