"""Holds a file against the models of its keys: unknown keys, and values that do not fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from itertools import islice
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from engine.spec.fields import Shape
from engine.spec.findings import Finding
from engine.spec.nodes import Document, Mapping, Node, Path, Scalar, Sequence
from engine.spec.task_models import ListedTaskKeys, TaskKeys

S = TypeVar("S", bound=Shape)
MOST_MISFITS = 100
"""What is reported of one file: nobody reads more, and a file that is all wrong must not take long."""


def read_shape(document: Document, model: type[S]) -> S | list[Finding]:
    """The whole file as a `model`, or every reason why it is none."""
    findings = list(islice(_keys(document, _Form(model=model), document.root, ()), MOST_MISFITS))
    try:
        shaped = model.model_validate(document.root.value)
    except ValidationError as error:
        return findings + [_misfit(document, (), detail) for detail in _details(error)]
    return findings or shaped


def check_parameters(document: Document, model: type[Shape], path: Path) -> list[Finding]:
    """What is wrong with the parameters of a kind at `path`. Values that templates will give are only known when they run."""
    node = document.find(path)
    findings = (
        [] if node is None else list(_keys(document, _Form(model=model), node, path, unknown="unknown-parameter"))
    )
    try:
        model.model_validate({} if node is None else node.value)
    except ValidationError as error:
        known = (detail for detail in _details(error) if not _depends(document.find((*path, *detail["loc"])), detail))
        findings += [_misfit(document, path, detail) for detail in known]
    return findings


def _details(error: ValidationError) -> list[ErrorDetails]:
    details = error.errors(include_url=False)
    return [detail for detail in details if detail["type"] != "extra_forbidden"][:MOST_MISFITS]


def _depends(node: Node | None, detail: ErrorDetails) -> bool:
    """Whether a value misfits only until its template is filled in: `${{ x }}` may give anything, mixed text gives text."""
    if not isinstance(node, Scalar) or "${{" not in node.text:
        return False
    return node.text.startswith("${{") or detail["type"] not in _WANTED


def suggest(word: str, known: Iterable[str]) -> str | None:
    """The one of `known` that was probably meant."""
    matches = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """What the types say about the keys in a value: those of a map, or what holds of a map's values or a list's items."""

    model: type[BaseModel] | None = None
    values: _Form | None = None
    items: _Form | None = None
    listed: bool = False
    """Whether it can be a list of tasks that have ids."""


@cache
def _fields(model: type[BaseModel]) -> dict[str, _Form]:
    """The keys of a file, and what is known of their values."""
    return {field.alias or name: _form(field.annotation) for name, field in model.model_fields.items()}


def _form(annotation: Any) -> _Form:
    """Of a map, or a list of such maps, both."""
    if annotation is None:
        return _Form()
    members = [_plain(each) for each in _union(annotation)] or [_plain(annotation)]
    models = [each for each in members if isinstance(each, type) and issubclass(each, BaseModel)]
    lists = [each for each in members if get_origin(each) is list]
    maps = [each for each in members if get_origin(each) is dict]
    return _Form(
        model=models[0] if len(models) == 1 else None,
        values=_form(get_args(maps[0])[1]) if len(maps) == 1 and not models else None,
        items=_form(get_args(lists[0])[0]) if len(lists) == 1 else None,
        listed=any(get_args(each)[1] is TaskKeys for each in maps),
    )


def _keys(document: Document, form: _Form, node: Node, path: Path, unknown: str = "unknown-key") -> Iterator[Finding]:
    """Unknown keys, wherever the types say that keys are known."""
    if isinstance(node, Scalar):
        return
    if isinstance(node, Mapping):
        known = None if form.model is None else _fields(form.model)
        for key, entry in node.entries.items():
            if known is not None and key not in known:
                what = f'unknown {unknown.removeprefix("unknown-")} "{key}"'
                yield document.finding((*path, key), unknown, what, suggestion=suggest(key, known), at_key=True)
            elif (below := known[key] if known is not None else form.values) is not None:
                yield from _keys(document, below, entry.node, (*path, key))
    elif form.items is not None:
        for index, child in enumerate(node.items):
            yield from _keys(document, form.items, child, (*path, index))
    elif form.listed:
        yield from _listed(document, node, path)


def _listed(document: Document, node: Sequence, path: Path) -> Iterator[Finding]:
    """The list form of tasks: every item is a task with an id of its own."""
    for index, item in enumerate(node.items):
        name = item.value.get("id") if isinstance(item, Mapping) else None
        if not isinstance(item, Mapping):
            message = "an item of a list of tasks is a map, such as {id: build, run: make}"
            yield document.finding((*path, index), "bad-value", message)
        elif "id" not in item.entries:
            yield document.finding((*path, index), "missing-key", 'the key "id" is missing here', at_key=True)
        elif not isinstance(name, str) or node.named[name] is not item:
            message = "an id is text" if not isinstance(name, str) else f'the id "{name}" stands twice in this list'
            yield document.finding((*path, index, "id"), "bad-id", message)
        else:
            yield from _keys(document, _Form(model=ListedTaskKeys), item, (*path, name))


def _plain(annotation: Any) -> Any:
    """A type without its marks and without the None beside it."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, UnionType):
            rest = [each for each in get_args(annotation) if each is not type(None)]
            if len(rest) != 1:
                return None
            annotation = rest[0]
        else:
            return annotation


def _union(annotation: Any) -> tuple[Any, ...]:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else ()


_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a map",
    "list_type": "a list",
    "model_type": "a map",
    "model_attributes_type": "a map",
}


_FORMS = ("<map>", "<list>")
"""What pydantic calls the two forms of a value that is a map or a list of maps (`engine.spec.case_models`)."""


def _misfit(document: Document, base: Path, detail: ErrorDetails) -> Finding:
    """One of pydantic's errors, in words for the author and at its place in the file."""
    location = [step for step in detail["loc"] if step not in _FORMS]
    at_key = bool(location) and location[-1] == "[key]"
    if at_key:
        location.pop()
    path: Path = (*base, *location)
    if detail["type"] == "missing":
        return document.finding(path[:-1], "missing-key", f'the key "{path[-1]}" is missing here', at_key=True)
    message, suggestion = _words(detail, document.find(path), str(location[-1]) if location else "the file", at_key)
    return document.finding(path, "bad-id" if at_key else "bad-value", message, suggestion=suggestion, at_key=at_key)


def _words(detail: ErrorDetails, node: Node | None, name: str, at_key: bool) -> tuple[str, str | None]:
    kind = detail["type"]
    context = detail.get("ctx", {})
    what = f'"{name}"' if not name.isdigit() else "this entry"
    if kind in _WANTED:
        return f"{what} must be {_WANTED[kind]}, not {_name(node)}", None
    if kind == "too_short":
        return f"{what} must not be empty", None
    if kind == "string_pattern_mismatch":
        text = name if at_key else node.text if isinstance(node, Scalar) else ""
        return f'"{text[:64]}" does not match {context["pattern"]}', None
    if kind == "literal_error":
        allowed = [word.strip("'") for word in context["expected"].replace(" or ", ", ").split(", ")]
        word = node.text if isinstance(node, Scalar) else ""
        return f"{what} must be one of {', '.join(allowed)}", suggest(word, allowed)
    if detail["type"] in ("duration", "join", "bad_id", "size", "channel", "webhook", "mock"):
        return detail["msg"], None
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return (f"{what} {message}" if message.startswith(("should", "must")) else message), None


def _name(node: Node | None) -> str:
    """What a value is, for people."""
    if isinstance(node, Mapping):
        return "a map"
    if isinstance(node, Sequence):
        return "a list"
    if node is None or node.value is None:
        return "empty"
    if isinstance(node.value, bool):
        return str(node.value).lower()
    return "text" if isinstance(node.value, str) else f"the number {node.value}"
