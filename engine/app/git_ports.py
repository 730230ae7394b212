"""What following a repository needs of the world (see `engine.app.ports`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Commit(Protocol):
    """A commit as read from a repository, without a checkout. `committed_at` in milliseconds."""

    @property
    def sha(self) -> str: ...

    @property
    def author_name(self) -> str: ...

    @property
    def author_email(self) -> str: ...

    @property
    def committed_at(self) -> int: ...

    @property
    def message(self) -> str: ...


class Repository(Protocol):
    """A git remote we follow, kept as a bare copy."""

    def fetch(self) -> Commit:
        """Fetch the branch and return its head. Raises Unavailable (the remote) or Rejected (the branch, the history)."""
        ...

    def files(self, sha: str, folder: str) -> Mapping[str, bytes]:
        """Workflow files below a folder at a commit, by path. Raises Rejected on anything hostile or oversized."""
        ...

    def last_change(self, sha: str, path: str) -> Commit:
        """The last commit up to `sha` that touched the path."""
        ...

    def contains(self, ancestor: str, sha: str) -> bool:
        """Whether `ancestor` is `sha` or in the history before it; False means that the branch was rewritten."""
        ...


class CommitStatuses(Protocol):
    """The mark beside a commit at a git host."""

    def tell(self, *, remote: str, url: str, token: str, sha: str, good: bool, description: str) -> bool:
        """Mark the commit of this remote through the host's API at `url`; False if the remote is no host that we know.

        Raises Unavailable or Rejected.
        """
        ...
