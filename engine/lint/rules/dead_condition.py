"""A condition that can give but one value decides nothing, and is mostly a slip of the pen."""

from __future__ import annotations

from collections.abc import Iterator

from engine.core.expressions.evaluate import position_of
from engine.core.values import Json
from engine.lint.constant import Names
from engine.lint.flow import Constant
from engine.lint.rule import Hit, Rule, Subject
from engine.spec.cel_paths import children, path_of
from engine.spec.nodes import Span, Text
from engine.spec.shape import suggest
from engine.spec.typing.problems import extent


def check(subject: Subject) -> Iterator[Hit]:
    """Each condition, or part of an expression, that is always true or always false."""
    for constant in subject.flow.constants:
        message, suggestion = _words(constant)
        span = _span(subject.document.source, constant)
        yield Hit(path=(), message=message, suggestion=suggestion, span=span)


def _words(constant: Constant) -> tuple[str, str | None]:
    always = f"this is always {str(constant.value).lower()}"
    read = [path for path in _paths(constant.node) if path in constant.left]
    if not read:
        return always, None
    left = [_shown(value) for value in constant.left[read[0]]]
    strange = [word for word in _compared_with(constant.node) if word not in left]
    if strange:
        message = f'"{".".join(read[0])}" is never "{strange[0]}", only {_listing(left)}: {always}'
        return message, suggest(strange[0], left)
    known = [f'"{".".join(path)}" is {_listing([_shown(value) for value in constant.left[path]])}' for path in read]
    return f"{' and '.join(known)} here, so {always}", None


def _shown(value: Json) -> str:
    return value if isinstance(value, str) else str(value).lower()


def _listing(words: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _paths(node: Json) -> list[Names]:
    path = path_of(node)
    found = [path] if path is not None else [inner for child in children(node) for inner in _paths(child)]
    return list(dict.fromkeys(found))


def _compared_with(node: Json) -> list[str]:
    """The texts that stand in a comparison."""
    if node[0] != "binary":
        return []
    parts = [part for child in children(node) for part in (children(child) if child[0] == "list" else [child])]
    return [part[2] for part in parts if part[0] == "const" and isinstance(part[2], str)]


def _span(source: Text, constant: Constant) -> Span:
    """Where the part stands in the file; a position is kept for each run of text that is written as it reads."""
    begin, end = extent(constant.node)
    places = [position_of(constant.expression, offset) for offset in (begin, max(begin, end - 1))]
    first, last = (source.offset(place.line, place.column) if place else 0 for place in places)
    return Span(start=first, end=max(first, last) + 1)


RULE = Rule(
    id="dead-condition",
    summary="A condition, or a part of one, is always true or always false.",
    severity="warning",
    why=(
        "It decides nothing. It reads nothing that could change, asks for an outcome that the task cannot have, or for one "
        "that the edges rule out: what needs `build` runs only where `build` has succeeded. Values that an input's "
        "schema does not allow are found, too."
    ),
    before="""\
name: bad
inputs: {stage: {enum: [test, production]}}
tasks:
  build: {run: make}
  repair: {needs: build, if: tasks.build.outcome == 'failed', run: make repair}
  ship: {needs: build, if: inputs.stage == 'prod', run: make ship}
""",
    after="""\
name: good
inputs: {stage: {enum: [test, production]}}
tasks:
  build: {run: make}
  repair: {needs: build.failed, run: make repair}
  ship: {needs: build, if: inputs.stage == 'production', run: make ship}
""",
    check=check,
)
