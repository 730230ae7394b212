"""A git repository that somebody pushes to, made by hand so that it may hold what git's own porcelain would not."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


class Upstream:
    """A work tree with one branch. Paths are relative to it."""

    def __init__(self, path: Path, branch: str = "main") -> None:
        self.path = path
        path.mkdir(parents=True)
        self.git("init", "-q", "-b", branch)

    def git(self, *arguments: str, stdin: bytes = b"", author: str = "Ana") -> str:
        done = subprocess.run(
            ["git", "-C", str(self.path), *arguments],
            input=stdin,
            capture_output=True,
            check=True,
            env={
                "PATH": os.environ["PATH"],
                "HOME": os.devnull,
                "GIT_CONFIG_GLOBAL": os.devnull,
                "GIT_AUTHOR_NAME": author,
                "GIT_AUTHOR_EMAIL": f"{author.lower()}@example.com",
                "GIT_COMMITTER_NAME": author,
                "GIT_COMMITTER_EMAIL": f"{author.lower()}@example.com",
            },
        )
        return done.stdout.decode().strip()

    def commit(self, files: dict[str, str | bytes | None], *, author: str = "Ana", message: str = "change") -> str:
        """Write files (None removes one) and commit; the new head."""
        for name, content in files.items():
            at = self.path / name
            if content is None:
                at.unlink()
                continue
            at.parent.mkdir(parents=True, exist_ok=True)
            at.write_bytes(content.encode() if isinstance(content, str) else content)
        return self.seal(author=author, message=message)

    def seal(self, *, author: str = "Ana", message: str = "change") -> str:
        """Commit the work tree as it is."""
        self.git("add", "-A", author=author)
        self.git("commit", "-q", "--allow-empty", "-m", message, author=author)
        return self.head

    def blob(self, content: bytes) -> str:
        return self.git("hash-object", "-w", "--stdin", stdin=content)

    def tree(self, *entries: tuple[str, str, str, str]) -> str:
        """A tree object of (mode, type, id, name), whatever they are."""
        lines = b"".join(f"{mode} {kind} {oid}\t{name}\0".encode() for mode, kind, oid, name in entries)
        return self.git("mktree", "-z", "--missing", stdin=lines)

    def push_tree(self, workflows: str) -> str:
        """Commit a tree as the folder `workflows`, without touching the work tree."""
        root = self.tree(("040000", "tree", workflows, "workflows"))
        parent = (
            subprocess.run(
                ["git", "-C", str(self.path), "rev-parse", "-q", "--verify", "HEAD"], capture_output=True, check=False
            )
            .stdout.decode()
            .strip()
        )
        sha = self.git("commit-tree", root, *(("-p", parent) if parent else ()), "-m", "hostile")
        self.git("update-ref", "HEAD", sha)
        return sha

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD")
