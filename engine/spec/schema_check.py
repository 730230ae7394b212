"""Checks the JSON Schemas that authors write: inputs, outputs of tasks, forms of approvals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

import jsonschema_rs
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from engine.core.values import Json, JsonObject
from engine.spec.nodes import Path
from engine.spec.notebook import Notebook
from engine.spec.validation import validator

_KEYWORDS = frozenset(Draft202012Validator.VALIDATORS) | {
    "$anchor",
    "$comment",
    "$defs",
    "$dynamicAnchor",
    "$id",
    "$schema",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "default",
    "deprecated",
    "description",
    "else",
    "examples",
    "maxContains",
    "minContains",
    "readOnly",
    "then",
    "title",
    "writeOnly",
}
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REFERENCES = ("$ref", "$dynamicRef")
_MAPS = ("$defs", "dependentSchemas", "patternProperties", "properties")
"""Keywords whose keys are names that their author chose."""
_VALUES = ("const", "default", "enum", "examples")
"""Keywords that hold values, which may say of themselves what they like."""
_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")


def object_schema(properties: Mapping[str, Json]) -> JsonObject:
    """One schema of a map with these properties and no others; those without `default` are required."""
    required = [name for name, schema in properties.items() if not (isinstance(schema, dict) and "default" in schema)]
    return {
        "type": "object",
        "properties": {name: _own(name, schema) for name, schema in properties.items()},
        "required": required,
        "additionalProperties": False,
    }


def _own(name: str, schema: Json) -> Json:
    """The schema as a resource of its own where it has references: `#` is what its author wrote, not what it stands in."""
    return {"$id": f"urn:headrace:{name}", **schema} if isinstance(schema, dict) and _refers(schema) else schema


def _refers(schema: JsonObject) -> bool:
    return any(key in _REFERENCES for _, key, _ in _entries(schema, ()))


def check_schemas(notebook: Notebook, properties: Mapping[str, Json], path: Path) -> None:
    """Note what is wrong with the schemas at `path`, a map of names to schemas."""
    before = len(notebook.findings)
    for name, schema in properties.items():
        _check(notebook, schema, (*path, name))
    if len(notebook.findings) == before and properties:
        _compile(notebook, properties, path)


def _check(notebook: Notebook, schema: Json, path: Path) -> None:
    if not isinstance(schema, dict):
        notebook.note(path, "bad-schema", f'"{path[-1]}" must be a JSON Schema, a map such as {{type: string}}')
        return
    # Ours, whatever the author's says: an unknown one would be fetched from wherever it points to.
    if not jsonschema_rs.meta.is_valid({**schema, "$schema": _DIALECT}):  # the slower one knows the place and the words
        error = best_match(Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema))
        if error is not None:
            _note_misfit(notebook, error, path)
    for at, word in _outside(schema, path):
        message = f'"{word[:100]}" leads out of this file; only references that start with # are followed'
        notebook.note(at, "bad-schema", message)
    for at, dialect in _dialects(schema, path):
        message = f'"{dialect[:100]}" is another dialect; schemas are written in that of {_DIALECT}'
        notebook.note(at, "bad-schema", message)
    for key in schema:
        if key not in _KEYWORDS and (suggestion := notebook.suggest(key, _KEYWORDS)):
            message = f'"{key}" means nothing in a JSON Schema'
            notebook.note(
                (*path, key), "unknown-schema-key", message, suggestion=suggestion, severity="warning", at_key=True
            )


def _note_misfit(notebook: Notebook, error: ValidationError, path: Path) -> None:
    at: Path = (*path, *error.absolute_path)
    if at[-1] == "type":
        suggestion = notebook.suggest(str(error.instance), _TYPES)
        message = f"a type is one of {', '.join(_TYPES)}, or a list of them"
        notebook.note(at, "bad-schema", message, suggestion=suggestion)
    else:
        notebook.note(at, "bad-schema", f"this is no JSON Schema: {error.message[:200]}")


def _outside(schema: Json, path: Path) -> Iterator[tuple[Path, str]]:
    """References that lead out of the schema, and names that would make it another one."""
    for at, key, value in _entries(schema, path):
        if (key in _REFERENCES and isinstance(value, str) and not value.startswith("#")) or key == "$id":
            yield at, str(value)


def _dialects(schema: Json, path: Path) -> Iterator[tuple[Path, str]]:
    """Every `$schema`, at whatever depth, that means another JSON Schema than the one that is spoken here."""
    for at, key, value in _entries(schema, path):
        if key != "$schema" or isinstance(value, dict | bool):  # the schema of a property of this name
            continue
        in_value = any(step in _VALUES and before not in _MAPS for before, step in pairwise(("", *at[len(path) :])))
        if not in_value and str(value).removesuffix("#") != _DIALECT:
            yield at, str(value)


def _entries(schema: Json, path: Path) -> Iterator[tuple[Path, str | int, Json]]:
    """Every entry of every map and list in a schema."""
    left: list[tuple[Path, Json]] = [(path, schema)]
    while left:
        at, value = left.pop()
        entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, entry in entries:
            yield (*at, key), key, entry
            left.append(((*at, key), entry))


def _compile(notebook: Notebook, properties: Mapping[str, Json], path: Path) -> None:
    """The last word has the validator that runs later: it must take each schema and all of them, and they their defaults."""
    before = len(notebook.findings)
    bare = {name: _without_default(schema) for name, schema in properties.items()}
    for name, schema in properties.items():
        compiled = _validator(notebook, bare[name], (*path, name))
        if compiled is not None and "default" in schema:
            error = next(compiled.iter_errors(schema["default"]), None)
            if error is not None:
                message = f'the default of "{name}" does not fit its own schema: {error.message[:200]}'
                notebook.note((*path, name, "default"), "bad-default", message)
    if len(notebook.findings) == before:
        _validator(notebook, object_schema(bare), path)


def _without_default(schema: JsonObject) -> JsonObject:
    """The same for a validator, without what differs from file to file: one that was compiled for another file does as well."""
    if isinstance(schema.get("default"), dict | list) or _refers(schema):
        return schema  # there may be more in it than a value
    return {key: value for key, value in schema.items() if key != "default"}


def _validator(notebook: Notebook, schema: JsonObject, path: Path) -> jsonschema_rs.Validator | None:
    try:
        return validator(schema)
    except (ValueError, jsonschema_rs.ValidationError) as error:
        reason = str(error).partition("\n")[0][:200]
        if reason.endswith('is not a "regex"'):
            reason += " that runs in linear time (no look-around, no back-references)"
        notebook.note(path, "bad-schema", f"this schema cannot be used: {reason}", at_key=True)
        return None
