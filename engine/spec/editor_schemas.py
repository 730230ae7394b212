"""Writes the JSON Schemas that editors complete and check files with; a test fails where `schemas/` is stale.

Run `python -m engine.spec.editor_schemas` in the repository after a change to the models.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from engine.core.values import Json, JsonObject
from engine.spec.case_models import TestFileKeys
from engine.spec.editor_rules import finish_task
from engine.spec.fields import Shape
from engine.spec.findings import Finding
from engine.spec.kinds import KINDS, PARAMS
from engine.spec.models import WorkflowKeys
from engine.spec.project_models import ProjectKeys
from engine.spec.task_checks import FORMS
from engine.spec.task_models import CompensateKeys, ListedTaskKeys, ProductKeys, TaskKeys

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TEMPLATE: JsonObject = {"type": "string", "pattern": r"\$\{\{", "description": "`${{ … }}`, filled in when it runs."}
_LIMITED_TO_KEYS = "patternProperties"
_PUBLISHED = "https://www.schemastore.org/headrace-"
"""Where SchemaStore would serve them; editors know a schema by this."""


class _Untitled(GenerateJsonSchema):
    """Without a title for every field, which would only repeat its key."""

    def field_title_should_be_set(self, schema: Json) -> bool:  # noqa: ARG002 - the signature is pydantic's
        return False


def documents() -> dict[str, JsonObject]:
    """Each schema by its file's name."""
    return {
        "workflow.schema.json": _workflow(),
        "project.schema.json": finished("Project", _schema(ProjectKeys)),
        "test.schema.json": finished("Tests of a workflow", _schema(TestFileKeys)),
        "finding.schema.json": finished("Finding", TypeAdapter(Finding).json_schema(schema_generator=_Untitled)),
    }


def written(document: JsonObject) -> bytes:
    """The bytes of a schema's file."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _schema(model: type[Shape]) -> JsonObject:
    return model.model_json_schema(schema_generator=_Untitled)


def _workflow() -> JsonObject:
    schema = _schema(WorkflowKeys)
    definitions = schema["$defs"]
    kinds = {kind: _place(PARAMS[kind]) for kind in KINDS}
    for name in (TaskKeys.__name__, ListedTaskKeys.__name__):
        finish_task(definitions[name], FORMS, kinds)
    finish_task(definitions[CompensateKeys.__name__], ("uses", "run"), kinds)
    for owner in (schema, definitions[TaskKeys.__name__], definitions[ListedTaskKeys.__name__]):
        for choice in owner["properties"]["tasks"]["anyOf"]:
            choice["minProperties" if choice["type"] == "object" else "minItems"] = 1
    product = definitions[ProductKeys.__name__]["properties"]
    product.update({key: _or_template(value) for key, value in product.items()})
    for kind, params in PARAMS.items():
        if params is not None and kind != "script":
            given = _schema(params)
            definitions.update(given.pop("$defs", {}))
            given["properties"] = {key: _or_template(value) for key, value in given["properties"].items()}
            definitions[params.__name__] = given
    return finished("Workflow", schema)


def _place(params: type[Shape] | None) -> tuple[str, bool]:
    """Where the parameters of a kind are described, and whether one of them must be there."""
    if params is None:
        return "", False
    some = any(field.is_required() for field in params.model_fields.values())
    return f"#/$defs/{params.__name__}", some or "oneOf" in _schema(params)


def _or_template(schema: JsonObject) -> JsonObject:
    """A parameter, and each part of it, may also be given by a template."""
    marks: JsonObject = {key: schema[key] for key in ("description", "default") if key in schema}
    value = {key: each for key, each in schema.items() if key not in marks}
    for part in ("items", "additionalProperties"):
        if isinstance(value.get(part), dict):
            value[part] = _or_template(value[part])
    if _LIMITED_TO_KEYS in value:
        value[_LIMITED_TO_KEYS] = {key: _or_template(each) for key, each in value[_LIMITED_TO_KEYS].items()}
    if "anyOf" in value:
        return {**marks, "anyOf": [*map(_or_template, value["anyOf"]), _TEMPLATE]}
    return {**marks, "anyOf": [value, _TEMPLATE]} if value else schema


def finished(title: str, schema: JsonObject) -> JsonObject:
    """With its dialect, and with keys of maps held to their patterns."""
    for part in _parts(schema):
        if _LIMITED_TO_KEYS in part:
            part.setdefault("additionalProperties", False)
    name = title.lower().split()[0]
    return {"$schema": _DIALECT, "$id": f"{_PUBLISHED}{name}.json", **schema, "title": title}


def _parts(value: Json) -> Iterator[JsonObject]:
    if isinstance(value, dict):
        yield value
    entries = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for entry in entries:
        yield from _parts(entry)


def main(folder: Path) -> None:
    """Write every schema into `folder`."""
    folder.mkdir(exist_ok=True)
    for name, document in documents().items():
        (folder / name).write_bytes(written(document))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "schemas"))
