"""The git adapter on repositories made to hurt (RELIABILITY S7): refused, with the path and the reason, and soon."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.adapters.git.repository import GitRepository
from engine.adapters.git.tree import MAX_FILE, MAX_FILES, MAX_PROBLEMS
from engine.errors import Rejected, Unavailable
from tests.sync.upstream import Upstream

FILE, EXECUTABLE, LINK, FOLDER, MODULE = "100644", "100755", "120000", "040000", "160000"


def refused(repository: GitRepository) -> Rejected:
    sha = repository.fetch().sha
    with pytest.raises(Rejected) as caught:
        repository.files(sha, "workflows")
    return caught.value


def problems(repository: GitRepository) -> dict[str, str]:
    return {problem.pointer: problem.detail for problem in refused(repository).problems}


def test_links_and_submodules_are_named(upstream: Upstream, repository: GitRepository, tmp_path: Path):
    secret = tmp_path / "secret.yaml"
    secret.write_text("name: secret\n")
    (upstream.path / "workflows").mkdir()
    (upstream.path / "workflows/link.yaml").symlink_to(secret)
    (upstream.path / "workflows/folder").symlink_to("/etc")
    upstream.seal()
    upstream.git("update-index", "--add", "--cacheinfo", f"{MODULE},{upstream.head},workflows/module")
    upstream.git("commit", "-q", "-m", "module")
    found = problems(repository)
    assert "symbolic link" in found["workflows/link.yaml"]
    assert "symbolic link" in found["workflows/folder"]
    assert "submodule" in found["workflows/module"]


@pytest.mark.parametrize("mode", [LINK, MODULE, FILE])
def test_the_folder_itself_must_be_one(upstream: Upstream, repository: GitRepository, mode: str):
    oid = upstream.blob(b"/etc")
    if mode == MODULE:
        oid = upstream.commit({"x": "y"})
    root = upstream.tree((mode, "commit" if mode == MODULE else "blob", oid, "workflows"))
    upstream.git("update-ref", "HEAD", upstream.git("commit-tree", root, "-m", "x"))
    assert "not a folder" in refused(repository).detail


@pytest.mark.parametrize(
    "name", ["a b.yaml", "-x;rm.yaml", "ä.yaml", "a\nb.yaml", "$(id).yaml", "x" * 101 + ".yaml", "\x1b[2J.yml"]
)
def test_odd_names_are_refused(upstream: Upstream, repository: GitRepository, name: str):
    upstream.push_tree(upstream.tree((FILE, "blob", upstream.blob(b"a: 1\n"), name)))
    [(path, detail)] = problems(repository).items()
    assert "name" in detail
    assert path.isprintable()


def test_names_that_are_no_yaml_are_left_alone(upstream: Upstream, repository: GitRepository):
    blob = upstream.blob(b"a: 1\n")
    tree = upstream.tree(
        (FILE, "blob", blob, "read me.txt"), (EXECUTABLE, "blob", blob, "roll.sh"), (FILE, "blob", blob, "-a.yaml")
    )
    sha = upstream.push_tree(tree)
    repository.fetch()
    assert set(repository.files(sha, "workflows")) == {"workflows/-a.yaml"}


def test_the_largest_file_passes_and_one_byte_more_does_not(upstream: Upstream, repository: GitRepository):
    sha = upstream.commit({"workflows/a.yaml": b"#" * MAX_FILE})
    repository.fetch()
    assert len(repository.files(sha, "workflows")["workflows/a.yaml"]) == MAX_FILE
    upstream.commit({"workflows/a.yaml": b"#" * (MAX_FILE + 1), "workflows/b.yaml": b"#" * 50_000_000})
    assert set(problems(repository)) == {"workflows/a.yaml", "workflows/b.yaml"}


def test_too_many_files(upstream: Upstream, repository: GitRepository):
    blob = upstream.blob(b"a: 1\n")
    upstream.push_tree(upstream.tree(*((FILE, "blob", blob, f"{n}.yaml") for n in range(MAX_FILES + 1))))
    assert "2,000 workflow files" in refused(repository).detail


def test_too_many_entries(upstream: Upstream, repository: GitRepository):
    blob = upstream.blob(b"")
    upstream.push_tree(upstream.tree(*((FILE, "blob", blob, f"{n:0>60}") for n in range(30_000))))
    assert "too many entries" in refused(repository).detail


def test_too_large_together(upstream: Upstream, repository: GitRepository):
    blob = upstream.blob(b"#" * MAX_FILE)
    upstream.push_tree(upstream.tree(*((FILE, "blob", blob, f"{n}.yaml") for n in range(200))))
    assert "32 MiB" in refused(repository).detail


def test_tree_bombs(upstream: Upstream, repository: GitRepository):
    """Ten folders in ten folders in ten folders …: a kilobyte that names 10^9 files."""
    blob = upstream.blob(b"a: 1\n")
    tree = upstream.tree(*((FILE, "blob", blob, f"{n}.yaml") for n in range(10)))
    for _ in range(8):
        tree = upstream.tree(*((FOLDER, "tree", tree, f"d{n}") for n in range(10)))
    upstream.push_tree(tree)
    assert "200 folders" in refused(repository).detail


def test_deep_folders(upstream: Upstream, repository: GitRepository):
    upstream.commit({"workflows/1/2/3/4/ok.yaml": "a: 1\n"})
    repository.fetch()
    assert repository.files(upstream.head, "workflows")
    upstream.commit({"workflows/1/2/3/4/5/no.yaml": "a: 1\n"})
    assert "4 folders deep" in problems(repository)["workflows/1/2/3/4/5"]


@pytest.mark.parametrize("name", ["..", ".", ".git"])
def test_folders_that_lead_elsewhere(upstream: Upstream, repository: GitRepository, name: str):
    """git's own tools do not write such trees, so the bytes of the object are made here."""
    inner = upstream.tree((FILE, "blob", upstream.blob(b"a: 1\n"), "a.yaml"))
    raw = f"40000 {name}\0".encode() + bytes.fromhex(inner)
    hostile = upstream.git("hash-object", "-t", "tree", "-w", "--stdin", "--literally", stdin=raw)
    sha = upstream.push_tree(hostile)
    if name == ".git":  # a name like any other where nothing is checked out
        repository.fetch()
        assert set(repository.files(sha, "workflows")) == {"workflows/.git/a.yaml"}
    else:
        assert "name" in problems(repository)[f"workflows/{name}"]


def test_the_same_name_twice(upstream: Upstream, repository: GitRepository):
    raw = b"".join(
        b"100644 a.yaml\0" + bytes.fromhex(upstream.blob(content)) for content in (b"name: a\n", b"name: b\n")
    )
    upstream.push_tree(upstream.git("hash-object", "-t", "tree", "-w", "--stdin", "--literally", stdin=raw))
    assert "twice" in problems(repository)["workflows/a.yaml"]


def test_a_tree_that_is_no_tree(upstream: Upstream, repository: GitRepository):
    """git itself cannot send it; what was fetched before stays readable, and a rewritten branch is followed."""
    sha = upstream.commit({"workflows/a.yaml": "a: 1\n"})
    repository.fetch()
    garbage = upstream.git("hash-object", "-t", "tree", "-w", "--stdin", "--literally", stdin=b"not a tree at all")
    upstream.push_tree(garbage)
    with pytest.raises(Unavailable, match="corruption on the remote side"):
        repository.fetch()
    assert repository.files(sha, "workflows")
    upstream.git("update-ref", "HEAD", sha)
    assert repository.fetch().sha == sha


def test_problems_are_bounded(upstream: Upstream, repository: GitRepository):
    blob = upstream.blob(b"/etc/passwd")
    upstream.push_tree(upstream.tree(*((LINK, "blob", blob, f"{n}.yaml") for n in range(500))))
    assert len(refused(repository).problems) == MAX_PROBLEMS


def test_a_hostile_gitmodules_and_hooks_do_nothing_and_the_next_good_commit_loads(
    upstream: Upstream, repository: GitRepository, tmp_path: Path
):
    canary = tmp_path / "canary"
    upstream.commit(
        {
            ".gitmodules": f'[submodule "x"]\n\tpath = x\n\turl = ext::sh -c "touch {canary}"\n\tupdate = !touch {canary}\n',
            ".gitattributes": "* filter=evil diff=evil\n",
            "workflows/a.yaml": "a: 1\n",
        }
    )
    for hook in ("post-upload-pack", "pre-receive", "post-checkout"):
        at = upstream.path / ".git/hooks" / hook
        at.parent.mkdir(exist_ok=True)
        at.write_text(f"#!/bin/sh\ntouch {canary}\n")
        at.chmod(0o755)
    upstream.git("config", "core.fsmonitor", f"touch {canary}")
    upstream.git("config", "uploadpack.packObjectsHook", f"touch {canary};")
    sha = repository.fetch().sha
    assert set(repository.files(sha, "workflows")) == {"workflows/a.yaml"}
    upstream.git("config", "--unset", "core.fsmonitor")
    upstream.push_tree(upstream.tree((LINK, "blob", upstream.blob(b"/etc/passwd"), "a.yaml")))
    assert "symbolic link" in problems(repository)["workflows/a.yaml"]
    good = upstream.tree((FILE, "blob", upstream.blob(b"a: 2\n"), "a.yaml"))
    sha = upstream.push_tree(good)
    assert repository.fetch().sha == sha
    assert repository.files(sha, "workflows") == {"workflows/a.yaml": b"a: 2\n"}
    assert repository.last_change(sha, "workflows/a.yaml").sha == sha
    assert not canary.exists()


def test_a_commit_message_and_an_author_made_to_hurt(upstream: Upstream, repository: GitRepository):
    upstream.commit({"workflows/a.yaml": "a: 1\n"})
    raw = (
        f"tree {upstream.git('rev-parse', 'HEAD^{tree}')}\n"
        f"author \x1b[31m{'N' * 5000} <{'e' * 5000}@x> 99999999999999999 +0000\n"
        f"committer x <x> 99999999999999999 +0000\n\n{'m' * 100_000}\n"
    ).encode()
    sha = upstream.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=raw)
    upstream.git("update-ref", "HEAD", sha)
    head = repository.fetch()
    assert max(len(head.author_name), len(head.author_email), len(head.message)) <= 500
    assert head.author_name.isprintable()
    assert head.committed_at < 2**53
