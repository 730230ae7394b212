"""Commit statuses, held against a server that answers as GitHub's API does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from engine.adapters.commit_status import GitHubStatuses, repository
from engine.errors import Rejected, Unavailable

API = "https://api.github.com"


class Api(ThreadingHTTPServer):
    """Remembers what was posted and answers with `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[tuple[str, str | None, object]] = []
        self.status = 201

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Api

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((self.path, self.headers["Authorization"], body))
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def tell(api: Api, remote: str = "https://127.0.0.1/acme/flows", *, good: bool = False) -> bool:
    return GitHubStatuses().tell(
        remote=remote, url=api.url, token="t0ken", sha="a" * 40, good=good, description="1 error"
    )


def test_marks_the_commit(api: Api):
    assert tell(api)
    assert tell(api, good=True)
    path, authorization, body = api.seen[0]
    assert (path, authorization) == (f"/repos/acme/flows/statuses/{'a' * 40}", "Bearer t0ken")
    assert body == {"state": "error", "description": "1 error", "context": "headrace"}
    assert api.seen[1][2] == {"state": "success", "description": "1 error", "context": "headrace"}


@pytest.mark.parametrize(
    ("status", "error"), [(401, Rejected), (422, Rejected), (302, Rejected), (429, Unavailable), (502, Unavailable)]
)
def test_what_goes_wrong_is_told_apart_and_never_holds_the_token(api: Api, status: int, error: type[Exception]):
    api.status = status
    with pytest.raises(error) as caught:
        tell(api)
    assert "t0ken" not in str(caught.value)
    assert len(api.seen) == 1


def test_nobody_there(api: Api):
    api.shutdown()
    api.server_close()
    with pytest.raises(Unavailable):
        GitHubStatuses().tell(
            remote="https://127.0.0.1/a/b", url="http://127.0.0.1:1", token="t", sha="a", good=True, description=""
        )


def test_other_remotes_are_left_alone(api: Api):
    assert not tell(api, "/srv/git/flows")
    assert not tell(api, "https://gitlab.com/acme/flows")
    assert api.seen == []


@pytest.mark.parametrize(
    ("remote", "api", "expected"),
    [
        ("https://github.com/acme/flows", API, "acme/flows"),
        ("https://***@github.com/acme/flows.git", API, "acme/flows"),
        ("git@github.com:acme/flows.git", API, "acme/flows"),
        ("ssh://git@github.com/acme/flows.git/", API, "acme/flows"),
        ("https://git.acme.com/team/flows", "https://git.acme.com/api/v3", "team/flows"),
        ("https://git.acme.com/team/flows", API, None),
        ("https://github.com/acme/flows", "https://elsewhere.example.com", None),
        ("https://github.com/acme/flows/../../evil", API, None),
        ("https://github.com/acme", API, None),
        ("file:///github.com/acme/flows", API, None),
        ("/home/git/acme/flows", API, None),
        ("relative", API, None),
    ],
)
def test_where_a_remote_lies(remote: str, api: str, expected: str | None):
    assert repository(remote, api) == expected
