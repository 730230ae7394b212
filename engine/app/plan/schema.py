"""The JSON Schema of a plan, for programs that read `headrace plan --json`.

Run `python -m engine.app.plan.schema` in the repository after a change to the model; a test fails where the file is stale.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter

from engine.app.plan.model import Plan
from engine.core.values import JsonObject
from engine.spec.editor_schemas import finished, written

FILE = "plan.schema.json"


def document() -> JsonObject:
    """The schema."""
    return finished("Plan", TypeAdapter(Plan).json_schema(mode="serialization"))


if __name__ == "__main__":
    (Path("schemas") / FILE).write_bytes(written(document()))
