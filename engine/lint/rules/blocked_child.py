"""A child that waits for the slot which its parent holds until the child has ended waits for ever."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.core.expressions.reads import refs
from engine.lint.rule import Hit, Rule
from engine.spec.load import Loaded, WorkflowFile
from engine.spec.models import WorkflowKeys
from engine.spec.nodes import Document
from engine.spec.walk import every_task


def check_all(loaded: Loaded) -> Iterator[tuple[Document, Hit]]:
    """Each call that leads, directly or through others that wait, to a workflow in the caller's own group of one."""
    files = {file.keys.name: file for file in loaded.files if file.definition is not None}
    for file in files.values():
        group = _group(file)
        if group is None:
            continue
        for path, task in every_task(file.keys):
            chain = _leads(files, task.workflow, group) if task.workflow is not None and task.wait else ()
            if chain:
                message = f"{_told(chain)} that this workflow holds until the call has ended: it cannot start"
                yield file.document, Hit(path=(*path, "workflow"), message=message, at_key=False)


def _leads(files: Mapping[str, WorkflowFile], first: str, group: str) -> tuple[str, ...]:
    """The shortest chain of calls, each of which is waited for, that ends with one in the group; none if there is none."""
    chains: dict[str, tuple[str, ...]] = {first: (first,)}
    left = [first]
    for name in left:  # grows
        if name not in files:
            continue
        keys = files[name].keys
        if keys.concurrency is not None and keys.concurrency.when_full == "queue" and _group(files[name]) == group:
            return chains[name]
        for called in _waited_for(keys):
            if called not in chains:
                chains[called] = (*chains[name], called)
                left.append(called)
    return ()


def _waited_for(keys: WorkflowKeys) -> list[str]:
    return [task.workflow for _, task in every_task(keys) if task.workflow is not None and task.wait]


def _group(file: WorkflowFile) -> str | None:
    """The name of a workflow's group of one as it is written, if it is the same for every instance."""
    wish = file.keys.concurrency
    compiled = None if file.definition is None else file.definition.concurrency
    if wish is None or compiled is None or wish.limit != 1:
        return None
    return wish.group if all(ref[0] == "vars" for ref in refs(compiled.group)) else None


def _told(chain: tuple[str, ...]) -> str:
    *between, last = chain
    through = f', which is called by "{between[-1]}",' if between else ""
    return f'"{last}"{through} needs the slot'


RULE = Rule(
    id="blocked-child",
    summary="A child workflow needs the slot that its parent holds.",
    severity="warning",
    why=(
        "An instance holds its slot of `concurrency` until it is final. A child in the same group, with a limit of one, waits for that "
        "slot, and its parent for the child. Leave the group to one of the two, or start the child with `wait: false`. Only groups whose "
        "names read no inputs are looked at."
    ),
    before="""\
name: bad
inputs: {n: {type: integer}}
concurrency: {group: database}
tasks:
  rest: {if: inputs.n > 1, workflow: bad, with: {n: "${{ inputs.n - 1 }}"}}
""",
    after="""\
name: good
inputs: {n: {type: integer}}
concurrency: {group: database}
tasks:
  rest: {if: inputs.n > 1, workflow: good, with: {n: "${{ inputs.n - 1 }}"}, wait: false}
""",
    check_all=check_all,
)
