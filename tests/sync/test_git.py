"""The git adapter on well-meant repositories."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from engine.adapters.git import address
from engine.adapters.git.lock import exclusive
from engine.adapters.git.repository import GitRepository
from engine.app.versions import Source
from engine.errors import Misconfigured, Rejected, Unavailable
from tests.sync.upstream import Upstream


def test_reads_the_files_of_the_head(upstream: Upstream, repository: GitRepository):
    sha = upstream.commit({"workflows/a.yaml": "a: 1\n", "workflows/deep/b.yml": "b: 2\n", "README.md": "no"})
    head = repository.fetch()
    assert (head.sha, head.author_name, head.author_email, head.message) == (sha, "Ana", "ana@example.com", "change")
    assert abs(head.committed_at - time.time() * 1000) < 3_600_000
    assert repository.files(sha, "workflows") == {"workflows/a.yaml": b"a: 1\n", "workflows/deep/b.yml": b"b: 2\n"}
    assert repository.files(sha, "workflows/deep/") == {"workflows/deep/b.yml": b"b: 2\n"}
    assert set(repository.files(sha, ".")) == {"workflows/a.yaml", "workflows/deep/b.yml"}


def test_an_older_commit_can_still_be_read(upstream: Upstream, repository: GitRepository):
    old = upstream.commit({"workflows/a.yaml": "a: 1\n"})
    new = upstream.commit({"workflows/a.yaml": "a: 2\n"})
    assert repository.fetch().sha == new
    assert repository.files(old, "workflows") == {"workflows/a.yaml": b"a: 1\n"}
    assert repository.contains(old, new)
    assert not repository.contains(new, old)


def test_the_author_is_who_touched_the_file_last(upstream: Upstream, repository: GitRepository):
    upstream.commit({"workflows/a.yaml": "a: 1\n"}, author="Ana", message="write a")
    upstream.commit({"workflows/b.yaml": "b: 1\n"}, author="Bo")
    head = repository.fetch()
    change = repository.last_change(head.sha, "workflows/a.yaml")
    assert (change.author_name, change.message) == ("Ana", "write a")
    assert repository.last_change(head.sha, "workflows/b.yaml").author_name == "Bo"


def test_a_forced_push_is_followed(upstream: Upstream, repository: GitRepository):
    upstream.commit({"workflows/a.yaml": "a: 1\n"})
    lost = upstream.commit({"workflows/a.yaml": "a: 2\n"})
    repository.fetch()
    upstream.git("reset", "-q", "--hard", "HEAD~1")
    kept = upstream.commit({"workflows/a.yaml": "a: 3\n"})
    assert repository.fetch().sha == kept
    assert not repository.contains(lost, kept)


def test_follows_a_branch_and_the_default_one(upstream: Upstream, state_dir: Path):
    default = upstream.commit({"workflows/a.yaml": "a: 1\n"})
    upstream.git("checkout", "-q", "-b", "feature/x")
    other = upstream.commit({"workflows/a.yaml": "a: 2\n"})
    upstream.git("checkout", "-q", "main")
    url = f"file://{upstream.path}"
    assert GitRepository(Source(name="x", url=url, branch="feature/x"), state_dir).fetch().sha == other
    assert GitRepository(Source(name="y", url=url), state_dir).fetch().sha == default


def test_a_missing_branch_or_folder_is_said(upstream: Upstream, state_dir: Path):
    url = str(upstream.path)
    with pytest.raises(Rejected, match="no commits yet"):
        GitRepository(Source(name="x", url=url), state_dir).fetch()
    sha = upstream.commit({"flows/a.yaml": "a: 1\n"})
    with pytest.raises(Rejected, match="no branch 'nope'"):
        GitRepository(Source(name="x", url=url, branch="nope"), state_dir).fetch()
    repository = GitRepository(Source(name="x", url=url), state_dir)
    repository.fetch()
    with pytest.raises(Rejected, match="no folder 'workflows'"):
        repository.files(sha, "workflows")


def test_a_bare_and_a_shallow_remote_can_be_followed(upstream: Upstream, tmp_path: Path, state_dir: Path):
    upstream.commit({"workflows/a.yaml": "a: 1\n"})
    sha = upstream.commit({"workflows/a.yaml": "a: 2\n"})
    for name, how in (("bare", ["--bare"]), ("shallow", ["--depth=1", "--no-local"])):
        upstream.git("clone", "-q", *how, str(upstream.path), str(tmp_path / name))
        repository = GitRepository(Source(name=name, url=str(tmp_path / name)), state_dir)
        assert repository.fetch().sha == sha
        assert repository.last_change(sha, "workflows/a.yaml").sha == sha


def test_large_files_are_not_even_fetched(upstream: Upstream, repository: GitRepository, state_dir: Path):
    upstream.commit({"workflows/a.yaml": "a: 1\n", "video.bin": os.urandom(3_000_000)})
    repository.fetch()
    assert sum(file.stat().st_size for file in state_dir.rglob("*") if file.is_file()) < 500_000


def test_a_remote_that_is_down_is_unavailable_and_comes_back(upstream: Upstream, repository: GitRepository):
    sha = upstream.commit({"workflows/a.yaml": "a: 1\n"})
    repository.fetch()
    away = upstream.path.rename(upstream.path.with_name("away"))
    with pytest.raises(Unavailable, match="git remote"):
        repository.fetch()
    assert repository.files(sha, "workflows")
    away.rename(upstream.path)
    assert repository.fetch().sha == sha


def test_a_broken_copy_is_made_anew(upstream: Upstream, repository: GitRepository, state_dir: Path):
    sha = upstream.commit({"workflows/a.yaml": "a: 1\n"})
    repository.fetch()
    for pack in (state_dir / "git/main/copy.git/objects/pack").iterdir():
        pack.chmod(0o600)
        pack.write_bytes(b"")
    upstream.commit({"workflows/b.yaml": "b: 1\n"})
    assert repository.contains(sha, repository.fetch().sha)


def test_what_a_killed_process_left_blocks_nobody(upstream: Upstream, repository: GitRepository, state_dir: Path):
    upstream.commit({"workflows/a.yaml": "a: 1\n"})
    repository.fetch()
    copy = state_dir / "git/main/copy.git"
    for stale in (
        "config.lock",
        "packed-refs.lock",
        "refs/headrace/head.lock",
        "shallow.lock",
        "objects/pack/tmp_pack_x",
    ):
        (copy / stale).write_bytes(b"half")
    sha = upstream.commit({"workflows/a.yaml": "a: 2\n"})
    assert repository.fetch().sha == sha
    assert not list((copy / "objects/pack").glob("tmp_*"))


@pytest.mark.parametrize("ref", [b"", b"\0" * 41, b"f" * 40 + b"\n"])
def test_a_torn_ref_is_mended(upstream: Upstream, repository: GitRepository, state_dir: Path, ref: bytes):
    upstream.commit({"workflows/a.yaml": "a: 1\n"})
    repository.fetch()
    (state_dir / "git/main/copy.git/refs/headrace/head").write_bytes(ref)
    sha = upstream.commit({"workflows/a.yaml": "a: 2\n"})
    assert repository.fetch().sha == sha


def test_one_fetch_at_a_time(tmp_path: Path):
    with exclusive(tmp_path), pytest.raises(Unavailable, match="another process"), exclusive(tmp_path, patience=0.01):
        pass
    with exclusive(tmp_path, patience=0.0):
        pass


def test_kill_nine_in_the_middle_of_a_fetch(upstream: Upstream, repository: GitRepository, state_dir: Path):
    """At different moments; whatever is left, the next fetch works."""
    for size in range(3):
        noise = {f"noise/{number}-{size}": os.urandom(100_000) for number in range(10)}
        sha = upstream.commit({"workflows/a.yaml": f"a: {size}\n", **noise})
        child = subprocess.Popen(
            [sys.executable, "-c", _FETCH, str(upstream.path), str(state_dir)], stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        child.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.008 * size + 0.02)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
        assert repository.fetch().sha == sha
    assert repository.files(sha, "workflows") == {"workflows/a.yaml": b"a: 2\n"}


_FETCH = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from git.cmd import Git
    from engine.adapters.git.repository import GitRepository
    from engine.app.versions import Source
    repository = GitRepository(Source(name="main", url=sys.argv[1]), Path(sys.argv[2]))
    print("ready", flush=True)
    while True:
        repository.fetch()
    """
)


def test_time_is_bounded(upstream: Upstream, state_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A git that hangs is killed with its children."""
    real = shutil.which("git")
    fake = tmp_path / "bin/git"
    fake.parent.mkdir()
    fake.write_text(
        f'#!/bin/sh\ncase "$*" in *fetch*) sleep 600 & echo $! > {tmp_path}/pid; wait;; esac\nexec {real} "$@"\n'
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    upstream.commit({"workflows/a.yaml": "a: 1\n"})
    with pytest.raises(Unavailable, match="no answer within 1 s"):
        GitRepository(Source(name="main", url=str(upstream.path)), state_dir, timeout=1).fetch()
    deadline = time.monotonic() + 10
    while alive(int((tmp_path / "pid").read_text())):
        assert time.monotonic() < deadline


def alive(pid: int) -> bool:
    """A zombie that its new parent has not collected yet is dead."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_our_environment_and_configuration_stay_ours(
    upstream: Upstream, repository: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    sha = upstream.commit({"workflows/a.yaml": "a: 1\n"})
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'core.bare=nonsense'")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".gitconfig").write_text('[url "/nowhere/"]\n\tinsteadOf = /\n')
    assert repository.fetch().sha == sha


@pytest.mark.parametrize(
    "url",
    [
        "",
        "-oProxyCommand=x",
        "--upload-pack=touch x",
        "ext::sh -c touch% x",
        "fd::3",
        "a\nb",
        "http://x/y",
        "git://x/y",
        "ssh://-oProxyCommand=x/y",
        "https:///x",
        "file://host/x",
    ],
)
def test_addresses_that_are_refused(url: str, tmp_path: Path):
    with pytest.raises(Misconfigured):
        GitRepository(Source(name="main", url=url), tmp_path)


@pytest.mark.parametrize(
    ("url", "protocol"),
    [
        ("https://example.com/a/b.git", "https"),
        ("ssh://git@example.com:22/a", "ssh"),
        ("git@example.com:a/b.git", "ssh"),
        ("relative/path", "file"),
    ],
)
def test_addresses_that_are_taken(url: str, protocol: str):
    assert address.remote(url).protocol == protocol


@pytest.mark.parametrize(
    "branch", ["-x", "a..b", "a b", "a~1", "a^", "a:b", "x.lock", "/a", "a/", "@", "a@{1}", "a\x00", "*"]
)
def test_branches_that_are_refused(branch: str, tmp_path: Path):
    with pytest.raises(Misconfigured):
        GitRepository(Source(name="main", url=str(tmp_path), branch=branch), tmp_path)


def test_passwords_in_addresses_are_never_shown(tmp_path: Path):
    repository = GitRepository(Source(name="main", url="https://ana:hunter2@127.0.0.1:1/x"), tmp_path)
    with pytest.raises(Unavailable) as caught:
        repository.fetch()
    assert "hunter2" not in str(caught.value)
