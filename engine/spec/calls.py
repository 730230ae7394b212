"""What workflows of a repository know of each other: whom they may call, with which inputs, and what comes back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import jsonschema_rs

from engine.core.values import Json
from engine.spec.fields import Values
from engine.spec.interpolate import InterpolationError, split
from engine.spec.models import WorkflowKeys
from engine.spec.nodes import Path
from engine.spec.notebook import Notebook
from engine.spec.output_shapes import Children
from engine.spec.schema_check import object_schema
from engine.spec.task_models import TaskKeys
from engine.spec.typing.kinds import words
from engine.spec.typing.types import of_schema
from engine.spec.validation import validator


@dataclass(frozen=True, kw_only=True)
class Calls:
    """The workflows of the repository by name. Not `complete` where a file could not be read: no name is unknown then."""

    workflows: Mapping[str, WorkflowKeys] = field(default_factory=dict)
    complete: bool = True

    @cached_property
    def outputs(self) -> Children:
        """What is known of the outputs of each workflow."""
        return {name: {key: {} for key in keys.outputs} for name, keys in self.workflows.items()}

    def inputs(self, name: str) -> Json:
        """The schema of the inputs of a workflow; nothing where there is none of that name."""
        return object_schema(self.workflows[name].inputs) if name in self.workflows else None

    def check(self, notebook: Notebook, task: TaskKeys, path: Path) -> None:
        """Note what is wrong with the call that the task at `path` makes."""
        if task.workflow is None:
            return
        self.check_name(notebook, task.workflow, (*path, "workflow"))
        child = self.workflows.get(task.workflow)
        if child is not None:
            at: Path = (*path, "with") if task.with_ is not None else (*path, "workflow")
            check_inputs(notebook, task.with_ or {}, child, at, who="this task", whom=f'"{task.workflow}"')

    def check_name(self, notebook: Notebook, name: str, path: Path) -> None:
        """Note a workflow that does not exist."""
        if self.complete and name not in self.workflows:
            suggestion = notebook.suggest(name, self.workflows)
            notebook.note(path, "unknown-workflow", f'there is no workflow "{name}"', suggestion=suggestion)


def check_inputs(notebook: Notebook, given: Values, keys: WorkflowKeys, path: Path, *, who: str, whom: str) -> None:
    """A start must give what an instance cannot do without, and nothing that it does not take."""
    for name, value in given.items():
        if name not in keys.inputs:
            suggestion = notebook.suggest(name, keys.inputs)
            message = f'{whom} has no input "{name}"'
            notebook.note((*path, name), "unknown-input", message, suggestion=suggestion, at_key=True)
        else:
            _check_value(notebook, value, keys.inputs[name], (*path, name))
    required: list[Json] = object_schema(keys.inputs)["required"]
    missing = [name for name in required if name not in given]
    if missing:
        message = f"{who} does not give {', '.join(missing)}, which {whom} requires"
        notebook.note(path, "missing-input", message, at_key=True)


def _check_value(notebook: Notebook, value: Json, schema: Json, path: Path) -> None:
    """A value that stands in the file must fit the input; of expressions `engine.spec.typing` knows more."""
    if not isinstance(schema, dict):
        return
    if "${{" in json.dumps(value, ensure_ascii=False):
        wanted = of_schema(schema)
        if isinstance(value, str) and _is_mixed(value) and "string" not in wanted.kinds:
            message = f'text with ${{{{ }}}} in it is text; "{path[-1]}" must be {words(wanted.kinds)}'
            notebook.note(path, "expression-type", message)
        return
    try:
        error = next(validator(schema).iter_errors(value), None)
    except (ValueError, jsonschema_rs.ValidationError):
        return  # the schema is wrong, which its own file says
    if error is not None:
        message = f'"{path[-1]}" does not fit the schema of the input: {error.message[:200]}'
        notebook.note(path, "bad-value", message)


def _is_mixed(value: str) -> bool:
    """Whether more than one expression makes the text."""
    try:
        return len(split(value)) > 1
    except InterpolationError:
        return False
