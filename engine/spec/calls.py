"""What workflows of a repository know of each other: whom they may call, with which inputs, and what comes back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from engine.core.values import Json
from engine.spec.models import WorkflowKeys
from engine.spec.nodes import Path
from engine.spec.notebook import Notebook
from engine.spec.output_shapes import Children
from engine.spec.schema_check import object_schema
from engine.spec.task_models import TaskKeys


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


def check_inputs(
    notebook: Notebook, given: Iterable[str], keys: WorkflowKeys, path: Path, *, who: str, whom: str
) -> None:
    """A start must give what an instance cannot do without, and nothing that it does not take."""
    given = list(given)
    for name in given:
        if name not in keys.inputs:
            suggestion = notebook.suggest(name, keys.inputs)
            message = f'{whom} has no input "{name}"'
            notebook.note((*path, name), "unknown-input", message, suggestion=suggestion, at_key=True)
    required: list[Json] = object_schema(keys.inputs)["required"]
    missing = [name for name in required if name not in given]
    if missing:
        message = f"{who} does not give {', '.join(missing)}, which {whom} requires"
        notebook.note(path, "missing-input", message, at_key=True)
