"""The port for contents of files: in a folder, and in a bucket of a server that speaks S3."""

from __future__ import annotations

import hashlib
import os
import time
from io import BytesIO

import pytest

from engine.adapters.artifacts.connect import open_files
from engine.adapters.artifacts.folder import ABANDONED
from engine.app.kinds import Stopped
from engine.errors import Conflict, Misconfigured, NotFound, Unavailable
from tests.ports import free_port


@pytest.fixture(params=["folder", "s3"])
def files(request, tmp_path):
    if request.param == "folder":
        return open_files((tmp_path / "made when needed").as_uri())
    return open_files(request.getfixturevalue("s3_url"))


def digest_of(content):
    return hashlib.sha256(content).hexdigest()


def keep(files, content):
    files.keep(digest_of(content), len(content), BytesIO(content))
    return digest_of(content)


def read(files, digest):
    with files.open(digest) as content:
        return content.read()


@pytest.mark.parametrize("content", [b"", b"x", b"\0\xff" * 700_000], ids=["empty", "small", "large"])
def test_what_was_kept_is_read(files, content):
    digest = keep(files, content)
    keep(files, content)
    assert read(files, digest) == content
    with files.open(digest) as found:
        parts = list(iter(lambda: found.read(65_536), b""))
    assert b"".join(parts) == content


def test_a_content_that_is_another_one_is_refused(files):
    with pytest.raises(Conflict):
        files.keep(digest_of(b"abc"), 3, BytesIO(b"abd"))
    with pytest.raises(NotFound), files.open(digest_of(b"abc")):
        pass


def test_what_a_killed_worker_left_goes_when_nobody_writes_it_any_more(tmp_path):
    files = open_files(tmp_path.as_uri())
    keep(files, b"one")
    unfinished = tmp_path / "unfinished"
    for name, age in (("old", ABANDONED + 10), ("new", ABANDONED - 60)):
        (unfinished / name).write_bytes(b"half of a file")
        os.utime(unfinished / name, (time.time() - age,) * 2)
    assert read(files, keep(files, b"two")) == b"two"
    assert [half.name for half in unfinished.iterdir()] == ["new"]


def test_what_broke_off_was_never_there(files):
    parts = [b"ab"]

    class Breaks:
        def read(self, _=-1):
            if not parts:
                raise Stopped
            return parts.pop()

    with pytest.raises(Stopped):
        files.keep(digest_of(b"abc"), 3, Breaks())
    with pytest.raises(NotFound), files.open(digest_of(b"abc")):
        pass


def test_what_was_deleted_is_gone_and_can_come_back(files):
    one, two = keep(files, b"one"), keep(files, b"two")
    files.delete([one, digest_of(b"never there")])
    with pytest.raises(NotFound), files.open(one):
        pass
    assert read(files, two) == b"two"
    keep(files, b"one")
    assert read(files, one) == b"one"
    files.delete([])


def test_a_folder_holds_nothing_but_whole_files_in_shards(tmp_path):
    files = open_files(tmp_path.as_uri())
    digest = keep(files, b"abc")
    with pytest.raises(Conflict):
        files.keep(digest_of(b"x"), 1, BytesIO(b"y"))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / digest[:2] / digest]


def test_a_file_that_was_cut_off_is_kept_anew(tmp_path):
    files = open_files(tmp_path.as_uri())
    digest = keep(files, b"abc")
    (tmp_path / digest[:2] / digest).write_bytes(b"a")
    keep(files, b"abc")
    assert read(files, digest) == b"abc"


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="the folder of artifacts"):
        keep(open_files((tmp_path / "file" / "below").as_uri()), b"abc")


def test_a_prefix_keeps_two_engines_in_one_bucket_apart(s3_url):
    bucket, _, options = s3_url.partition("?")
    one, two = open_files(f"{bucket}/one?{options}"), open_files(f"{bucket}/two/?{options}")
    digest = keep(one, b"abc")
    with pytest.raises(NotFound), two.open(digest):
        pass
    keep(two, b"abc")
    one.delete([digest])
    assert read(two, digest) == b"abc"


def test_a_bucket_that_does_not_answer_is_unavailable(s3_url, monkeypatch):
    monkeypatch.setattr("engine.adapters.artifacts.s3.TRIES", 0)
    files = open_files(f"s3://bucket?endpoint=http://127.0.0.1:{free_port()}&region=us-east-1")
    with pytest.raises(Unavailable, match="the bucket of artifacts"):
        keep(files, b"abc")


def test_a_bucket_that_is_not_there_is_told(s3_url):
    files = open_files(s3_url.replace("s3://files", "s3://no-such-bucket"))
    with pytest.raises(Unavailable, match="bucket"):
        keep(files, b"abc")


@pytest.mark.parametrize(
    "url",
    [
        "artifacts",
        "/srv/artifacts",
        "file://host/folder",
        "s3://",
        "s3://bucket?endpiont=http://x",
        "s3://bucket?endpoint=localhost:9000",
        "http://bucket",
    ],
)
def test_a_url_that_makes_no_sense_is_told(url):
    with pytest.raises(Misconfigured, match="HEADRACE_ARTIFACTS"):
        open_files(url)
