"""Compiles the keys of a workflow file into the definition that the engine runs."""

from __future__ import annotations

from engine.core.model import Check, Definition, WebhookTrigger
from engine.core.project import Project
from engine.spec.models import WorkflowKeys
from engine.spec.nodes import Document, Mapping, Path
from engine.spec.notebook import Notebook
from engine.spec.references import check_references
from engine.spec.schema_check import check_schemas, object_schema
from engine.spec.tasks import TaskCompiler
from engine.spec.templates import Expressions
from engine.spec.visible import Visible


def compile_workflow(
    document: Document, keys: WorkflowKeys, project: Project | None
) -> tuple[Definition | None, Notebook]:
    """The definition, None where the file has errors, and everything found.

    `project` is None where project.yaml has errors: then nothing that it would declare counts as unknown.
    """
    notebook = Notebook(document)
    expressions = Expressions(notebook, (*keys.tasks, *keys.finally_))
    visible = Visible(keys, project)
    if isinstance(document.find(("tasks",)), Mapping) and not keys.tasks:
        notebook.note(("tasks",), "bad-value", "a workflow needs at least one task", at_key=True)
    check_schemas(notebook, keys.inputs, ("inputs",))
    compiler = TaskCompiler(notebook, expressions, visible, keys.defaults)
    tasks, graph = compiler.compile(keys.tasks, ("tasks",))
    finally_, _ = compiler.compile(keys.finally_, ("finally",))
    if project is not None:
        check_references(notebook, keys, project)
    _check_inputs(notebook, keys)
    definition = Definition(
        name=keys.name,
        description=keys.description,
        labels=dict(keys.labels),
        inputs=object_schema(keys.inputs),
        checks=_checks(keys, expressions, visible),
        webhooks=_webhooks(keys, expressions, visible),
        tasks=tasks,
        finally_=finally_,
        timeout=keys.timeout,
        outputs=expressions.template(("outputs",), visible.to_outputs(graph)),
        vars={} if project is None else project.vars,
    )
    return (None if notebook.failed else definition), notebook


def _checks(keys: WorkflowKeys, expressions: Expressions, visible: Visible) -> tuple[Check, ...]:
    scope = visible.to_checks()
    checks = []
    for index in range(len(keys.checks)):
        condition = expressions.required(("checks", index, "if"), scope)
        message = expressions.template(("checks", index, "message"), scope)
        checks.append(Check(condition=condition, message=message))
    return tuple(checks)


def _check_inputs(notebook: Notebook, keys: WorkflowKeys) -> None:
    """Every webhook must give what an instance cannot do without, and nothing that it does not take."""
    required = object_schema(keys.inputs)["required"]
    for index, entry in enumerate(keys.on.webhook):
        path: Path = ("on", "webhook", index)
        for name in entry.inputs:
            if name not in keys.inputs:
                suggestion = notebook.suggest(name, keys.inputs)
                message = f'the workflow has no input "{name}"'
                notebook.note((*path, "inputs", name), "unknown-input", message, suggestion=suggestion, at_key=True)
        missing = [name for name in required if name not in entry.inputs]
        if missing:
            message = f"this trigger does not give {', '.join(missing)}, which the workflow requires"
            notebook.note((*path, "inputs"), "missing-input", message, at_key=True)


def _webhooks(keys: WorkflowKeys, expressions: Expressions, visible: Visible) -> tuple[WebhookTrigger, ...]:
    scope = visible.to_trigger()
    return tuple(
        WebhookTrigger(
            source=entry.source,
            events=tuple(entry.events),
            condition=expressions.bare(("on", "webhook", index, "if"), scope),
            inputs=expressions.template(("on", "webhook", index, "inputs"), scope),
        )
        for index, entry in enumerate(keys.on.webhook)
    )
