"""The command of a container that a shell reads is a script: text from outside that becomes part of it can run anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.core.expressions.model import Expression, ListOf, Literal, Template, Text
from engine.core.expressions.reads import refs
from engine.core.values import Json
from engine.lint.compiled import leaf_at, parameter
from engine.lint.rule import Hit, Rule, Subject
from engine.spec.cel_paths import path_of
from engine.spec.walk import every_leaf

_SHELLS = frozenset(("sh", "bash", "ash", "dash", "zsh", "ksh"))
_OURS = frozenset(("vars", "secrets"))
"""What the authors of the repository say themselves."""


def check(subject: Subject) -> Iterator[Hit]:
    """Each container whose command is text with `${{ }}`, or hands such text to a shell."""
    for path, keys in every_leaf(subject.keys):
        command = parameter(leaf_at(subject.definition, path), "command") if keys.uses == "container" else None
        if command is None:
            continue
        index = _script(command)
        script = command.items[index] if index is not None and isinstance(command, ListOf) else command
        if not _is_text(script, subject.keys.inputs) or not {ref[0] for ref in refs(script)} - _OURS:
            continue
        at = (*path, "with", "command") if index is None else (*path, "with", "command", index)
        message = "a shell reads this: pass the value through `env` and read it as a variable"
        yield Hit(path=at, message=message, at_key=False)


def _is_text(script: Template, inputs: Mapping[str, Json]) -> bool:
    """Whether it is surely text: an expression that stands alone may give a list of words, an input of type string not."""
    if isinstance(script, Expression):
        path = path_of(script.ast) or ()
        schema = inputs.get(path[1]) if len(path) == len(("inputs", "name")) and path[0] == "inputs" else None
        return isinstance(schema, dict) and schema.get("type") == "string"
    return isinstance(script, Text)


def _script(command: Template) -> int | None:
    """Where in a list of words the script for a shell stands."""
    if not isinstance(command, ListOf):
        return None
    words = [item.value if isinstance(item, Literal) else None for item in command.items]
    shell = str(words[0]).rpartition("/")[2]
    flags = (index for index, word in enumerate(words) if isinstance(word, str) and word[:1] == "-" and word[-1] == "c")
    flag = next(flags, len(words)) + 1
    return flag if shell in _SHELLS and flag < len(words) else None


RULE = Rule(
    id="command-injection",
    summary="The command of a container is a script with `${{ }}` in it.",
    severity="warning",
    why=(
        "A command that is one text is read by a shell, as is what follows `sh -c`. Text from outside that becomes part of "
        "it can run anything. A variable cannot, and neither can a word of a list."
    ),
    before="""\
name: bad
inputs: {service: {type: string}}
tasks:
  build: {uses: container, with: {image: "make:4", command: "make ${{ inputs.service }}"}}
  test: {uses: container, with: {image: "make:4", command: [sh, -c, "make test-${{ inputs.service }}"]}}
""",
    after="""\
name: good
inputs: {service: {type: string}}
tasks:
  build:
    uses: container
    with: {image: "make:4", command: make "$SERVICE"}
    env: {SERVICE: "${{ inputs.service }}"}
  test: {uses: container, with: {image: "make:4", command: [make, "test-${{ inputs.service }}"]}}
""",
    check=check,
)
