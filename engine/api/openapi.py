"""The OpenAPI 3.1 document, made from the table of operations so that it cannot drift from the routes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from http import HTTPStatus

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from engine.api.operations import Operation
from engine.core.values import JsonObject

REFS = "#/components/schemas/{model}"
COMMON = (401, 403, 422, 500, 503)
"""Statuses that every operation behind the token may answer, as problems."""
WITH_BODY = (400, 413)
"""Those of a body that is no JSON, or too large."""

PROBLEM: JsonObject = {
    "type": "object",
    "description": "RFC 9457. `type` is stable: test it rather than the texts.",
    "required": ["title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}


def document(operations: Sequence[Operation], version: str) -> JsonObject:
    """The whole document."""
    schemas = _schemas(operations)
    paths: JsonObject = {}
    for operation in operations:
        path = operation.path.replace(":path}", "}")
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Headrace", "version": version, "description": "Workflows as code, in your git repository."},
        "paths": paths,
        "components": {
            "schemas": {**schemas[1], "Problem": PROBLEM},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


_Schemas = tuple[dict[type[BaseModel], JsonObject], JsonObject]


def _schemas(operations: Sequence[Operation]) -> _Schemas:
    answers = {operation.answer for operation in operations if operation.answer}
    asked = {model for operation in operations for model in (operation.body, operation.query) if model}
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "serialization") for model in answers]
    wanted += [(model, "validation") for model in asked]
    wanted.sort(key=lambda entry: entry[0].__name__)
    refs, definitions = models_json_schema(wanted, ref_template=REFS)
    return {model: refs[model, mode] for model, mode in wanted}, definitions.get("$defs", {})


def _operation(operation: Operation, schemas: _Schemas) -> JsonObject:
    body: JsonObject = {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": operation.handler.__doc__ or "",
        "tags": [operation.tag],
        "security": [] if operation.public else [{"token": []}],
        "parameters": list(_parameters(operation, schemas)),
        "responses": _responses(operation, schemas),
    }
    if operation.body:
        needed = any(field.is_required() for field in operation.body.model_fields.values())
        content = {"application/json": {"schema": schemas[0][operation.body]}}
        body["requestBody"] = {"required": needed, "content": content}
    return body


def _parameters(operation: Operation, schemas: _Schemas) -> Iterator[JsonObject]:
    for part in operation.path.split("/"):
        if part.startswith("{"):
            name = part.strip("{}").removesuffix(":path")
            yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    for header in operation.headers:
        text = {"type": "string", "minLength": 1, "maxLength": header.longest}
        yield {"name": header.name, "in": "header", "description": header.description, "schema": text}
    if operation.query:
        fields = schemas[1][operation.query.__name__]["properties"]
        for name, schema in fields.items():
            yield {"name": name, "in": "query", "description": schema.get("description", ""), "schema": schema}


def _responses(operation: Operation, schemas: _Schemas) -> JsonObject:
    media = operation.media.partition(";")[0]
    schema = (
        schemas[0][operation.answer] if operation.answer else {"type": "string" if "json" not in media else "object"}
    )
    statuses = (operation.status, *operation.alike)
    responses = {str(status): _response(status, media, schema) for status in statuses}
    common = (500, 503) if operation.public else COMMON
    for status in sorted({*operation.problems, *common, *(WITH_BODY if operation.body else ())}):
        problem = {"$ref": REFS.format(model="Problem")}
        responses.setdefault(str(status), _response(status, "application/problem+json", problem))
    return responses


def _response(status: int, media: str, schema: JsonObject) -> JsonObject:
    return {"description": HTTPStatus(status).phrase, "content": {media: {"schema": schema}}}
