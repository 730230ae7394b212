"""One git remote as the use cases see it (`ports.Repository`): fetch, files at a commit, who changed what."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.adapters.git import address, command
from engine.adapters.git.command import Ended
from engine.adapters.git.lock import exclusive
from engine.adapters.git.tree import MAX_FILE, read_files
from engine.app.versions import Source
from engine.errors import Misconfigured, Rejected, Unavailable

HEAD = "refs/headrace/head"
"""Our name for what was fetched last."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_FORMAT = "%H%x00%<(200,trunc)%an%x00%<(320,trunc)%ae%x00%ct%x00%<(500,trunc)%s"
_LAST_SECOND = 253_402_300_799
"""The end of the year 9999: commits may claim anything."""

_UPLOAD_PACK = "git -c safe.directory=* -c uploadpack.allowFilter=true upload-pack"
"""How a path on this machine is read: whoever owns it (upload-pack runs nothing that the repository says), with a filter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCommit:
    """A commit as read from a repository (`ports.Commit`). `committed_at` in milliseconds, `message` its first line."""

    sha: str
    author_name: str
    author_email: str
    committed_at: int
    message: str


class GitRepository:
    """Keeps a bare copy of one source under `state_dir`: full history without large files. Nothing is checked out.

    fsck is left off on purpose: its checks guard a checkout, and one odd old commit must not keep the next good one
    from loading. git computes every object's name itself while it stores the pack.
    """

    def __init__(self, source: Source, state_dir: Path, *, timeout: float = 120.0) -> None:
        """Raises Misconfigured on an address, branch or folder that is refused. `timeout` of a fetch, in seconds."""
        if not _NAME.fullmatch(source.name):
            raise Misconfigured("source", f"{source.name!r} is no name for a source")
        try:
            self._remote = address.remote(source.url)
            self._ref = address.branch_ref(source.branch)
            address.folder_steps(source.folder)
        except Rejected as error:
            raise Misconfigured("repo", error.detail) from None
        self._timeout = timeout
        self._place = state_dir / "git" / source.name
        self._copy = self._place / "copy.git"

    def fetch(self) -> ReadCommit:
        """Bring the copy up to the head of the branch, also where it was rewritten.

        Raises Unavailable (the remote does not answer, another process is fetching), Rejected (there is no such branch).
        """
        with exclusive(self._place) as lock:
            if not (self._copy / "HEAD").exists():
                self._make(self._copy, lock)
            _sweep(self._copy)
            ended = self._fetch(self._copy, lock)
            if ended.status and self._answers():
                ended = self._renew(lock)
            if ended.status:
                raise Unavailable("the git remote", ended.stderr)
        return self._commit([HEAD])

    def files(self, sha: str, folder: str) -> Mapping[str, bytes]:
        """See `ports.Repository.files`."""
        return read_files(self._run, self._checked(sha), address.folder_steps(folder))

    def last_change(self, sha: str, path: str) -> ReadCommit:
        """The last commit up to `sha` that touched the path; `sha` itself where the history before it cannot be read."""
        try:
            return self._commit([self._checked(sha), "--", path])
        except Rejected:
            return self._commit([self._checked(sha)])

    def contains(self, ancestor: str, sha: str) -> bool:
        """Whether the commit `ancestor` is `sha` or in the history before it."""
        return not self._run(["merge-base", "--is-ancestor", self._checked(ancestor), self._checked(sha)]).status

    def _make(self, copy: Path, lock: int) -> None:
        """An empty copy, there as a whole or not at all."""
        new = self._place / "empty.git"
        for old in (new, copy):
            shutil.rmtree(old, ignore_errors=True)
        command.run(new, ["init", "--quiet", "--bare", "--template="], keep=[lock])
        new.rename(copy)

    def _renew(self, lock: int) -> Ended:
        """The remote is well, so the copy is not (a full disk, a power cut): another one takes its place if that works."""
        new = self._place / "new.git"
        self._make(new, lock)
        ended = self._fetch(new, lock)
        if not ended.status:
            shutil.rmtree(self._copy, ignore_errors=True)
            new.rename(self._copy)
        return ended

    def _fetch(self, copy: Path, lock: int) -> Ended:
        options = ["--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--update-shallow"]
        ended = self._speak(copy, "fetch", options, f"+{self._ref}:{HEAD}", timeout=self._timeout, keep=[lock])
        if ended.status and "couldn't find remote ref" in ended.stderr:
            what = (
                "has no commits yet"
                if self._ref == "HEAD"
                else f"has no branch {self._ref.removeprefix('refs/heads/')!r}"
            )
            raise Rejected(f"the repository {what}")
        return ended

    def _answers(self) -> bool:
        return not self._speak(self._copy, "ls-remote", ["--quiet"], self._ref, timeout=30.0, keep=[]).status

    def _speak(
        self, copy: Path, verb: str, options: Sequence[str], ref: str, *, timeout: float, keep: Sequence[int]
    ) -> Ended:
        """A command that may reach the remote. It alone knows that large files were left out, so no other asks for them."""
        if self._remote.local:
            options = [*options, f"--upload-pack={_UPLOAD_PACK}"]
        return command.run(
            copy,
            [verb, *options, "--", "origin", ref],
            timeout=timeout,
            protocol=self._remote.protocol,
            keep=keep,
            config={
                "remote.origin.url": self._remote.url,
                "remote.origin.promisor": "true",
                "remote.origin.partialclonefilter": f"blob:limit={MAX_FILE + 1}",
            },
        )

    def _run(self, arguments: Sequence[str], *, stdin: bytes = b"") -> Ended:
        return command.run(self._copy, arguments, stdin=stdin)

    def _commit(self, arguments: Sequence[str]) -> ReadCommit:
        ended = self._run(
            ["--literal-pathspecs", "log", "-1", "--no-show-signature", f"--format={_FORMAT}", *arguments]
        )
        fields = [part.decode(errors="replace").strip() for part in ended.stdout.rstrip(b"\n").split(b"\0")]
        if ended.status or len(fields) != 5:  # noqa: PLR2004 - the five fields of the format
            raise Rejected(f"the history cannot be read: {ended.stderr or 'no commit'}")
        sha, name, email, seconds, message = fields
        return ReadCommit(
            sha=sha,
            author_name=_plain(name),
            author_email=_plain(email),
            committed_at=min(int(seconds or 0), _LAST_SECOND) * 1000,
            message=_plain(message),
        )

    @staticmethod
    def _checked(sha: str) -> str:
        if not _SHA.fullmatch(sha):
            raise Rejected(f"{sha!r} is no commit id")
        return sha


def _sweep(copy: Path) -> None:
    """We hold the lock, so every lock file and half pack in the copy belongs to a process that died."""
    for pattern in (
        "*.lock",
        "gc.pid",
        "refs/**/*.lock",
        "objects/**/*.lock",
        "objects/pack/tmp_*",
        "objects/pack/.tmp-*",
    ):
        for stale in copy.glob(pattern):
            stale.unlink(missing_ok=True)


def _plain(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text).strip()
