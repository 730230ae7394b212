"""`${{ }}` in a place that is never filled in stands there as it is written."""

from __future__ import annotations

from collections.abc import Iterator

from engine.lint.rule import Hit, Rule, Subject
from engine.spec.nodes import Document, Path, Span
from engine.spec.walk import every_leaf, every_scalar

_OPEN, _CLOSE = "${{", "}}"


def check(subject: Subject) -> Iterator[Hit]:
    """Each `${{` in a description, a label, a schema, the folder of a script, or what a trigger listens for."""
    if _OPEN not in subject.document.source.text:
        return
    for path in _plain(subject):
        node = subject.document.find(path)
        for at, scalar in () if node is None else every_scalar(node, path):
            if _OPEN in scalar.text:
                yield Hit(path=at, message=_words(path), span=_span(subject.document, scalar.span))


def _plain(subject: Subject) -> Iterator[Path]:
    keys = subject.keys
    yield from (("description",), ("labels",), ("inputs",))
    yield from (("on", "event", index, "type") for index in range(len(keys.on.event)))
    yield from (("on", "webhook", index, "events") for index in range(len(keys.on.webhook)))
    for path, task in every_leaf(keys):
        yield (*path, "description")
        if task.run is not None:
            yield (*path, "working_directory")
        if task.run is not None or task.uses is not None:
            yield (*path, "outputs")


def _words(path: Path) -> str:
    schema = "a schema is the same for every instance"
    told = {"inputs": schema, "outputs": schema, "working_directory": "use `cd` in the script"}
    return f"`${{{{ }}}}` is not filled in here: {told.get(str(path[-1]), 'this is plain text')}"


def _span(document: Document, scalar: Span) -> Span | None:
    """The template itself, where it is written as it reads."""
    text = document.source.text
    start = text.find(_OPEN, scalar.start, scalar.end)
    end = text.find(_CLOSE, start, scalar.end)
    if start < 0:
        return None
    return Span(start=start, end=start + len(_OPEN) if end < 0 else end + len(_CLOSE))


RULE = Rule(
    id="literal-template",
    summary="`${{ }}` stands where it is not filled in.",
    severity="warning",
    why=(
        "Templates are filled in where a task, a trigger or an output takes values. Descriptions, labels, schemas with "
        "their defaults, the folder of a script and the names of events are read before there is an instance: there it "
        "would stay as text."
    ),
    before="""\
name: bad
inputs: {service: {type: string, default: "${{ vars.service }}"}}
tasks:
  build: {run: make, working_directory: "/src/${{ inputs.service }}"}
""",
    after="""\
name: good
inputs: {service: {type: string, default: billing}}
tasks:
  build: {run: 'cd "/src/$SERVICE" && make', env: {SERVICE: "${{ inputs.service }}"}}
""",
    check=check,
)
