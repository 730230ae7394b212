"""Reads workflow files of a commit in somebody's own clone, where a plan is made before anything is merged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.adapters.git import command
from engine.adapters.git.command import Ended
from engine.adapters.git.tree import read_files
from engine.errors import Rejected


class Clone:
    """The repository that a folder is in. Raises Rejected if it is in none, Misconfigured without git."""

    def __init__(self, folder: Path) -> None:
        here = folder.resolve()
        found = next(((place, git) for place in (here, *here.parents) if (git := _git_folder(place))), None)
        if found is None:
            raise Rejected(f"{folder} is in no git repository")
        self._top, self._git = found
        self._folder = folder

    def commit(self, revision: str) -> str:
        """The id of the commit that a branch, tag or id names. Raises Rejected."""
        ended = self._run(["rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"])
        if ended.status:
            raise Rejected(f"there is no commit {revision!r} in this repository")
        return ended.stdout.decode().strip()

    def parting(self, base: str, head: str) -> str:
        """The commit at which `head` left `base`: what came to `base` since is no doing of `head`. Raises Rejected.

        `base` itself where that cannot be told: in a shallow clone, or of histories that never met.
        """
        ended = self._run(["merge-base", self.commit(base), self.commit(head)])
        return self.commit(base) if ended.status else ended.stdout.decode().strip()

    def files(self, revision: str) -> Mapping[str, bytes]:
        """The YAML files of the folder in a commit, by path as seen from where the folder was named. Raises Rejected."""
        sha = self.commit(revision)
        steps = self._folder.resolve().relative_to(self._top).parts
        found = read_files(self._run, sha, steps)
        inside = "/".join(steps)
        return {f"{self._folder}{path[len(inside) :]}" if inside else path: data for path, data in found.items()}

    def _run(self, arguments: Sequence[str], *, stdin: bytes = b"") -> Ended:
        return command.run(self._git, arguments, stdin=stdin)


def _git_folder(place: Path) -> Path | None:
    """`.git`: a folder, or in a work tree a file that says where it is."""
    found = place / ".git"
    if found.is_dir():
        return found
    if not found.is_file():
        return None
    _, _, where = found.read_text("utf-8", "replace").partition("gitdir: ")
    return place / where.strip() if where.strip() else None
