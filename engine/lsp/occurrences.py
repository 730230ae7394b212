"""Every place in the files of a project where something is named: tasks, inputs, workflows, what project.yaml declares."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from engine.core.values import Json
from engine.lsp.project_names import in_project, in_workflow, inner
from engine.lsp.scopes import is_bare
from engine.spec.cel import CelSyntaxError, parse
from engine.spec.cel_paths import children
from engine.spec.interpolate import InterpolationError, Piece, split
from engine.spec.load import is_loaded, is_project
from engine.spec.nodes import Document, Mapping, Node, Path, Scalar, Sequence, Span
from engine.spec.scalars import offsets
from engine.spec.walk import every_scalar

Target: TypeAlias = tuple[str | int, ...]
"""What is named: `task`, the workflow, where its list stands and its id; `input`, the workflow and its name; `workflow`, or a key
of project.yaml, and its name."""

_READ = ("tasks", "inputs", "vars", "secrets")
"""Names in expressions whose members are defined in files."""

_LISTS = ("tasks", "finally")
_OF_ENDED = ("outputs", "repeat")
"""Keys of a group that read the tasks in it."""

_EXPECTED = ("outcomes", "inputs", "attempts", "skipped")
"""What tests expect by the paths of tasks."""

_PART = re.compile(r"(?:^|(?<=/))[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One place where something is named."""

    document: Document
    span: Span
    target: Target
    defines: bool = False


def occurrences(documents: Iterable[Document]) -> list[Occurrence]:
    """All of them, in the order of the files."""
    documents = list(documents)
    files = [document for document in documents if not is_project(document.source.path)]
    workflows = {_name(each, "name"): each for each in files if is_loaded(each.source.path)}
    found: list[Occurrence] = []
    for document in documents:
        if is_project(document.source.path):
            for span, key, name, defines in in_project(document):
                found.append(Occurrence(document=document, span=span, target=(key, name), defines=defines))
    for document in files:
        if is_loaded(document.source.path):
            found += _in_workflow(document)
        elif (tested := workflows.get(_name(document, "workflow"))) is not None:
            found += _in_test(document, tested)
    return list({(each.document.source.path, each.span): each for each in found}.values())  # aliases name things twice


def at(found: Iterable[Occurrence], path: str, offset: int) -> Occurrence | None:
    """The one that a place in a file belongs to."""
    near = (each for each in found if each.document.source.path == path)
    return next((each for each in near if each.span.start <= offset <= each.span.end), None)


def _name(document: Document, key: str) -> str:
    node = document.find((key,))
    return node.text if isinstance(node, Scalar) else ""


def _in_workflow(document: Document) -> Iterator[Occurrence]:
    workflow = _name(document, "name")
    name = document.find(("name",))
    if isinstance(name, Scalar):
        yield Occurrence(document=document, span=_word(document, name), target=("workflow", name.text), defines=True)
    inputs = document.find(("inputs",))
    for key, entry in inputs.entries.items() if isinstance(inputs, Mapping) else ():
        target = ("input", workflow, key)
        yield Occurrence(document=document, span=inner(document, entry.key_span), target=target, defines=True)
    for key in _LISTS:
        yield from _defined(document, document.find((key,)), (key,), workflow)
    for path, node in every_scalar(document.root):
        yield from _named(document, path, node, workflow)
        for each in in_workflow(document, path, node):
            yield Occurrence(document=document, span=each.span, target=(each.key, each.name))


def _defined(document: Document, node: Node | None, path: Path, workflow: str) -> Iterator[Occurrence]:
    if isinstance(node, Mapping):
        spans = {key: inner(document, entry.key_span) for key, entry in node.entries.items()}
        tasks = {key: entry.node for key, entry in node.entries.items()}
    elif isinstance(node, Sequence):
        tasks = dict(node.named)
        ids = {key: item.entries["id"].node for key, item in node.named.items()}
        spans = {key: _word(document, each) for key, each in ids.items() if isinstance(each, Scalar)}
    else:
        return
    for key, span in spans.items():
        yield Occurrence(document=document, span=span, target=("task", workflow, *path, key), defines=True)
        if isinstance(tasks[key], Mapping):
            below = (*path, key, "tasks")
            yield from _defined(document, document.find(below), below, workflow)


def _named(document: Document, path: Path, node: Scalar, workflow: str) -> Iterator[Occurrence]:
    after = path[:2] == ("on", "workflow") and path[-1] == "name"
    if after or (path[-1:] == ("workflow",) and path[:1] != ("labels",)):
        yield Occurrence(document=document, span=_word(document, node), target=("workflow", node.text))
    elif "needs" in path[-2:] or (path[-3:-1] == ("artifacts", "in") or path[-2:] == ("artifacts", "in")):
        word = node.text.partition(".")[0]
        yield from _task(document, path, _part(document, node, 0, len(word)), word, workflow)
    elif path[-1:] != ("run",):
        for name, start, word in _reads(path, node):
            span = _part(document, node, start, start + len(word))
            if name == "tasks":
                yield from _task(document, path, span, word, workflow)
            else:
                target = ("input", workflow, word) if name == "inputs" else (name, word)
                yield Occurrence(document=document, span=span, target=target)


def _task(document: Document, path: Path, span: Span, word: str, workflow: str) -> Iterator[Occurrence]:
    """The task of this name that is nearest around `path`."""
    for length in range(len(path), 0, -1):
        around = path[:length]
        inner = (*around[:-1], "tasks")
        lists = [inner] if around[-1] in _OF_ENDED else [around] if around[-1] in _LISTS else []
        for each in lists:
            if _has(document, each, word):
                yield Occurrence(document=document, span=span, target=("task", workflow, *_by_id(document, each), word))
                return
    if path[:1] == ("finally",) and _has(document, ("tasks",), word):
        yield Occurrence(document=document, span=span, target=("task", workflow, "tasks", word))


def _has(document: Document, path: Path, word: str) -> bool:
    node = document.find(path)
    return word in (node.entries if isinstance(node, Mapping) else node.named if isinstance(node, Sequence) else ())


def _by_id(document: Document, path: Path) -> Path:
    """The path with ids of tasks in the place of their indexes."""
    steps: list[str | int] = []
    for index, step in enumerate(path):
        node = document.find((*path[: index + 1], "id"))
        steps.append(node.text if isinstance(step, int) and isinstance(node, Scalar) else step)
    return tuple(steps)


def _reads(path: Path, node: Scalar) -> Iterator[tuple[str, int, str]]:
    """One of `_READ`, and the name after it with where it begins in the value."""
    if is_bare(path):
        stripped = node.text.strip()
        pieces: list[str | Piece] = [Piece(source=stripped, offset=node.text.find(stripped))]
    else:
        try:
            pieces = split(node.text)
        except InterpolationError:
            return
    for piece in pieces:
        if isinstance(piece, Piece):
            try:
                parsed = parse(piece.source)
            except CelSyntaxError:
                continue
            for name, start, word in _members(parsed.ast):
                yield name, piece.offset + start, word


def _members(ast: Json) -> Iterator[tuple[str, int, str]]:
    base, key, start = None, None, 0
    if ast[0] in ("get", "get?", "has"):
        base, key, start = ast[2], ast[3], ast[1]
    elif ast[0] == "binary" and ast[2] in ("[]", "[?]") and ast[4][0] == "const":
        base, key, start = ast[3], ast[4][2], ast[4][1] + 1
    if base is not None and base[0] == "name" and base[2] in _READ and isinstance(key, str):
        yield base[2], start, key
    for child in children(ast):
        yield from _members(child)


def _in_test(document: Document, tested: Document) -> Iterator[Occurrence]:
    name = document.find(("workflow",))
    if isinstance(name, Scalar):
        yield Occurrence(document=document, span=_word(document, name), target=("workflow", name.text))
    for paths in _maps(document):
        for entry in paths.entries.values():
            yield from _on_path(document, inner(document, entry.key_span), entry.key, tested)
    for path, node in every_scalar(document.root):
        if path[:1] == ("cases",) and path[2:4] == ("expect", "order"):
            yield from _on_path(document, _word(document, node), node.text, tested)


def _maps(document: Document) -> Iterator[Mapping]:
    """The maps whose keys are paths of tasks."""
    cases = document.find(("cases",))
    for index in range(len(cases.items) if isinstance(cases, Sequence) else 0):
        for path in (("mocks",), *(("expect", key) for key in _EXPECTED)):
            node = document.find(("cases", index, *path))
            if isinstance(node, Mapping):
                yield node


def _on_path(document: Document, span: Span, text: str, tested: Document) -> Iterator[Occurrence]:
    """The tasks that a path like `finally/report` or `deploy[eu]/probe#2` names."""
    around: Path = ("tasks",)
    for index, part in enumerate(_PART.finditer(text)):
        if index == 0 and part.group() == "finally":
            around = ("finally",)
            continue
        if not _has(tested, around, part.group()):
            return
        where = Span(span.start + part.start(), span.start + part.end())
        yield Occurrence(document=document, span=where, target=("task", _name(tested, "name"), *around, part.group()))
        around = (*around, part.group(), "tasks")


def _part(document: Document, node: Scalar, start: int, end: int) -> Span:
    places = offsets(document.source.text, node.span.start, node.span.end, node.style, node.text)
    return node.span if places is None else Span(places[start], places[min(end, len(places) - 1)])


def _word(document: Document, node: Scalar) -> Span:
    return inner(document, node.span)
