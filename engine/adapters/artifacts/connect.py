"""Opening the store of files by URL."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

from engine.adapters.artifacts.folder import Folder
from engine.app.artifact_ports import Files
from engine.errors import Misconfigured

SETTING = "HEADRACE_ARTIFACTS"


def open_files(url: str) -> Files:
    """`file:///FOLDER` or `s3://BUCKET/PREFIX?endpoint=URL&region=NAME`. Raises Misconfigured."""
    parts = urlsplit(url)
    match parts.scheme:
        case "file" if parts.path and not parts.netloc:
            return Folder(unquote(parts.path))
        case "s3" if parts.netloc:
            from engine.adapters.artifacts.s3 import Bucket

            options = {name: values[-1] for name, values in parse_qs(parts.query, strict_parsing=False).items()}
            if strange := sorted(options.keys() - {"endpoint", "region"}):
                raise Misconfigured(SETTING, f"{strange[0]!r} is none of endpoint, region")
            return Bucket(parts.netloc, parts.path.strip("/"), **options)
    raise Misconfigured(SETTING, f"{url!r} is neither file:///FOLDER nor s3://BUCKET/PREFIX")
