"""Files in a bucket of anything that speaks S3."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import urlsplit

from engine.adapters.artifacts.content import copied
from engine.app.artifact_ports import Content
from engine.errors import Misconfigured, NotFound, Unavailable

if TYPE_CHECKING:
    from minio import Minio
    from urllib3 import BaseHTTPResponse

CONNECT, READ = 10.0, 60.0
"""Seconds for a connection to stand, and between two bytes."""
TRIES = 3
_MISSING = frozenset({"NoSuchKey", "NoSuchObject"})


class Bucket:
    """Implements `engine.app.artifact_ports.Files`. The bucket has to be there."""

    def __init__(
        self, bucket: str, prefix: str = "", endpoint: str = "https://s3.amazonaws.com", region: str = ""
    ) -> None:
        """Credentials are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the environment, or the machine's role."""
        self._client = _client(endpoint, region)
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""

    def keep(self, digest: str, size: int, content: Content) -> None:
        """See the port. Checked before it is sent: what arrived under a wrong name could not be called back."""
        with _translated():
            if self._has(digest, size):
                return
            with TemporaryFile() as checked:
                copied(content, checked, digest)
                checked.seek(0)
                self._client.put_object(self._bucket, self._key(digest), cast("BinaryIO", checked), size)

    @contextmanager
    def open(self, digest: str) -> Iterator[Content]:
        """See the port."""
        from minio.error import S3Error

        with _translated():
            try:
                found = self._client.get_object(self._bucket, self._key(digest))
            except S3Error as error:
                if error.code in _MISSING:
                    raise NotFound("file", digest) from None
                raise
        try:
            yield _Reader(found)
        finally:
            found.close()
            found.release_conn()

    def delete(self, digests: Collection[str]) -> None:
        """See the port."""
        from minio.deleteobjects import DeleteObject

        with _translated():
            wanted = [DeleteObject(self._key(digest)) for digest in digests]
            for error in self._client.remove_objects(self._bucket, wanted):
                if error.code not in _MISSING:
                    raise Unavailable("the bucket of artifacts", f"{error.code}: {error.message}")

    def _has(self, digest: str, size: int) -> bool:
        from minio.error import S3Error

        try:
            return self._client.stat_object(self._bucket, self._key(digest)).size == size
        except S3Error as error:
            if error.code in _MISSING:
                return False
            raise

    def _key(self, digest: str) -> str:
        return f"{self._prefix}{digest[:2]}/{digest}"


class _Reader:
    """An answer's body, whose errors are translated however late they come."""

    def __init__(self, answer: BaseHTTPResponse) -> None:
        self._answer = answer

    def read(self, size: int = -1, /) -> bytes:
        """At most so many bytes; none at the end."""
        with _translated():
            return bytes(self._answer.read(None if size < 0 else size))


def _client(endpoint: str, region: str) -> Minio:
    try:
        import urllib3
        from minio import Minio
        from minio.credentials.providers import ChainedProvider, EnvAWSProvider, IamAwsProvider
    except ImportError:
        raise Misconfigured("HEADRACE_ARTIFACTS", "s3:// needs `pip install 'headrace[s3]'`") from None
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise Misconfigured("HEADRACE_ARTIFACTS", f"the endpoint {endpoint!r} is no http or https URL")
    return Minio(
        endpoint=parts.netloc,
        secure=parts.scheme == "https",
        region=region or None,
        credentials=ChainedProvider([EnvAWSProvider(), IamAwsProvider()]),
        http_client=urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=CONNECT, read=READ),
            maxsize=16,
            retries=urllib3.Retry(total=TRIES, backoff_factor=0.2, status_forcelist=[500, 502, 503, 504]),
        ),
    )


@contextmanager
def _translated() -> Iterator[None]:
    """What the client raises as what it means to us."""
    from minio.error import MinioException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (MinioException, HTTPError, OSError) as error:
        raise Unavailable("the bucket of artifacts", str(error)) from None
    except ValueError as error:  # no credentials anywhere, a name that no bucket can have
        raise Unavailable("the bucket of artifacts", str(error)) from None
