"""Files that the tasks of an instance left: which there are, and what is in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import quote

from engine.api.models import Artifact, ArtifactQuery, Page
from engine.api.operations import Answer, Call, Operation, Stream
from engine.api.paging import page
from engine.app.artifact_ports import Content
from engine.app.records import Instance

PREFIX = "/api/v1/instances/{id}/artifacts"
TAG = "artifacts"
CHUNK = 256 * 1024


def listing(call: Call) -> Answer:
    """Files that the tasks of an instance left, newest first."""
    asked = call.asked(ArtifactQuery)
    rows = call.services.artifacts.list(_instance(call).id, path=asked.path, before=asked.before, limit=asked.limit)
    return page(call, Artifact, rows, asked)


def download(call: Call) -> Answer:
    """What is in a file, which is named by its id or its digest."""
    found = call.services.artifacts.get(_instance(call).id, call.path["artifact"])
    opened = ExitStack()
    content = opened.enter_context(call.services.files.open(found.digest))
    headers = {
        # Whatever it is, a browser saves it and never shows it as ours.
        "Content-Disposition": _attachment(found.file.rpartition("/")[2]),
        "Content-Length": str(found.size),
        "ETag": f'"{found.digest}"',
    }
    return Answer(body=Stream(chunks=_chunks(content), close=opened.close), headers=headers)


def _instance(call: Call) -> Instance:
    """Raises NotFound: an instance without files is another thing than none."""
    return call.services.reader.get(call.path["id"])


def _chunks(content: Content) -> Iterator[bytes]:
    while chunk := content.read(CHUNK):
        yield chunk


def _attachment(name: str) -> str:
    plain = "".join(char if char.isascii() and char.isprintable() and char not in '"\\%' else "_" for char in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


OPERATIONS = (
    Operation(
        method="GET",
        path=PREFIX,
        id="listArtifacts",
        summary="The files that tasks left",
        tag=TAG,
        handler=listing,
        query=ArtifactQuery,
        answer=Page[Artifact],
        problems=(404,),
    ),
    Operation(
        method="GET",
        path=PREFIX + "/{artifact}",
        id="getArtifact",
        summary="Download a file",
        tag=TAG,
        handler=download,
        media="application/octet-stream",
        problems=(404,),
    ),
)
