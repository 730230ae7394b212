"""A scratch git repository, used through the git program as an author uses it."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import subprocess
from pathlib import Path

SECRET = "a secret of the tests"


class Repository:
    """A repository with a `workflows` folder and one branch, `main`."""

    def __init__(self, at: Path) -> None:
        self.at = at
        (at / "workflows").mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.at.parent),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Rosa Author",
            "GIT_AUTHOR_EMAIL": "rosa@example.com",
            "GIT_COMMITTER_NAME": "Rosa Author",
            "GIT_COMMITTER_EMAIL": "rosa@example.com",
        }
        done = subprocess.run(
            ["git", *arguments], cwd=self.at, env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, message: str = "Change workflows", **files: str | None) -> str:
        """Write (or with None remove) workflows by name and commit; returns the commit's id."""
        for name, text in files.items():
            path = self.at / "workflows" / f"{name}.yaml"
            if text is None:
                path.unlink()
            else:
                path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", f"--message={message}")
        return self.git("rev-parse", "HEAD")


def push(commit: str, **changes: object) -> bytes:
    """The body of a GitHub push event, as far as the tests read it."""
    body = {
        "ref": "refs/heads/main",
        "after": commit,
        "repository": {"name": "billing", "full_name": "acme/billing"},
        "pusher": {"name": "rosa"},
    }
    return json.dumps({**body, **changes}).encode()


def signed(body: bytes, *, delivery: str | None = None, event: str = "push", secret: str = SECRET) -> dict[str, str]:
    """GitHub's headers for a body."""
    return {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery or secrets.token_hex(16),
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
    }
