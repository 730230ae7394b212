"""What can stand at the cursor: keys, words, names of tasks and of the project, and what expressions may read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lsprotocol import types

from engine.core.outcomes import DONE, possible
from engine.core.values import Json
from engine.lsp.cursor import MARK, Cursor
from engine.lsp.schemas import described, keys, kind_described, schemas_at, words
from engine.lsp.scopes import is_expression, members, scope_at
from engine.spec.load import Loaded, is_loaded, is_project
from engine.spec.nodes import Mapping as Map
from engine.spec.nodes import Node, Path, Scalar, Sequence

_KEY, _WORD = types.CompletionItemKind.Property, types.CompletionItemKind.EnumMember
_NAME, _TASK = types.CompletionItemKind.Variable, types.CompletionItemKind.Reference
_FORMS = {"run": "script", "tasks": "group", "workflow": "workflow", "switch": "switch"}


def complete(cursor: Cursor, loaded: Loaded, place: types.Range) -> list[types.CompletionItem]:
    """What is offered at the cursor, to be put into `place`."""
    return [
        types.CompletionItem(
            label=label,
            kind=kind,
            documentation=text or None,
            text_edit=types.TextEdit(range=place, new_text=label),
        )
        for label, (kind, text) in _offered(cursor, loaded).items()
        if MARK not in label
    ]


def _offered(cursor: Cursor, loaded: Loaded) -> dict[str, tuple[types.CompletionItemKind, str]]:
    path, document = cursor.path, cursor.document
    if cursor.is_key:
        return {key: (_KEY, text) for key, text in _keys(cursor, loaded).items()}
    is_workflow = is_loaded(document.source.path) and not is_project(document.source.path)
    if is_workflow and cursor.scalar is not None and is_expression(cursor.before, path):
        scope = scope_at(document, cursor.scalar, loaded)
        return {name: (_NAME, _shown(known)) for name, known in members(scope, cursor.before).items()}
    named = _names(cursor, loaded)
    if named is not None:
        return dict.fromkeys(named, (_TASK, ""))
    schemas = schemas_at(document, path)
    found = {word: (_WORD, kind_described(word) if path[-1:] == ("uses",) else "") for word in words(schemas)}
    if not cursor.before:  # an empty value may become a map
        found |= {key: (_KEY, text) for key, text in _keys(cursor, loaded).items()}
    return found


def _keys(cursor: Cursor, loaded: Loaded) -> dict[str, str]:
    node = cursor.document.find(cursor.path)
    there = node.entries if isinstance(node, Map) else {}
    found = keys(schemas_at(cursor.document, cursor.path))
    task = cursor.document.find(cursor.path[:-1])
    if cursor.path[-1:] == ("with",) and isinstance(task, Map) and "workflow" in task.entries:
        called = task.entries["workflow"].node.value
        inputs = next((file.keys.inputs for file in loaded.files if file.keys.name == called), {})
        found = {name: str(schema.get("description", "")) for name, schema in inputs.items()}
    return {key: text for key, text in found.items() if key not in there}


def _names(cursor: Cursor, loaded: Loaded) -> Iterable[str] | None:
    """Names of tasks, workflows and of the project; None where the place takes none."""
    project = loaded.project
    people = [*project.people, *(f"group:{group}" for group in project.groups)]
    by_key: Mapping[str, Iterable[str]] = {
        "workflow": sorted(file.keys.name for file in loaded.files),
        "channel": project.channels,
        "source": project.webhooks,
        "queue": ("tasks", *project.queues),
        "approvers": people,
        "exclude": ("author", "starter", *people),
        "to": people,
    }
    keys_above = [step for step in cursor.path if isinstance(step, str)]
    if not keys_above:
        return None
    if keys_above[-1] == "needs":
        return _needs(cursor, cursor.path[: cursor.path.index("needs")])
    return by_key.get(keys_above[-1])


def _needs(cursor: Cursor, task: Path) -> Iterator[str]:
    siblings = dict(_tasks(cursor.document.find(task[:-1])))
    name, dot, _ = cursor.before.partition(".")
    if not dot:
        yield from (other for other, node in siblings.items() if node is not cursor.document.find(task))
    elif isinstance(node := siblings.get(name), Map):
        switch = node.entries["switch"].node if "switch" in node.entries else None
        yield from (*possible(_kind(node), switch.entries if isinstance(switch, Map) else ()), DONE)


def _tasks(node: Node | None) -> Iterator[tuple[str, Node]]:
    if isinstance(node, Map):
        yield from ((key, entry.node) for key, entry in node.entries.items())
    elif isinstance(node, Sequence):
        yield from node.named.items()


def _kind(task: Map) -> str:
    for loop in ("for_each", "repeat"):
        if loop in task.entries:
            return loop
    uses = task.entries.get("uses")
    if uses is not None and isinstance(uses.node, Scalar):
        return uses.node.text
    return next((kind for form, kind in _FORMS.items() if form in task.entries), "")


def _shown(known: Json) -> str:
    if not isinstance(known, Mapping):
        return ""
    shape = known.get("type", "map" if "properties" in known else "")
    return described([{"description": known.get("description") or shape}])
