"""Compiles the keys of a workflow file into the definition that the engine runs."""

from __future__ import annotations

from dataclasses import replace

from engine.core.model import Check, Definition
from engine.core.project import Project
from engine.spec.calls import Calls
from engine.spec.collect import mark_collected
from engine.spec.leaves import compile_concurrency
from engine.spec.models import WorkflowKeys
from engine.spec.nodes import Document, Mapping, Sequence
from engine.spec.notebook import Notebook
from engine.spec.references import check_references
from engine.spec.schema_check import check_schemas, object_schema
from engine.spec.tasks import TaskCompiler
from engine.spec.templates import Expressions, Watch
from engine.spec.triggers import check_triggers, compile_triggers
from engine.spec.visible import Visible
from engine.spec.walk import every_task


def compile_workflow(
    document: Document, keys: WorkflowKeys, project: Project | None, calls: Calls, watch: Watch | None = None
) -> tuple[Definition | None, Notebook]:
    """The definition, None where the file has errors, and everything found.

    `project` is None where project.yaml has errors: then nothing that it would declare counts as unknown.
    """
    notebook = Notebook(document)
    expressions = Expressions(notebook, (str(path[-1]) for path, _ in every_task(keys)), watch)
    visible = Visible(keys, project, calls.outputs)
    if isinstance(document.find(("tasks",)), Mapping | Sequence) and not keys.tasks:
        notebook.note(("tasks",), "bad-value", "a workflow needs at least one task", at_key=True)
    check_schemas(notebook, keys.inputs, ("inputs",))
    compiler = TaskCompiler(notebook, expressions, visible, keys.defaults, calls)
    tasks, listed = compiler.compile(keys.tasks, ("tasks",))
    finally_, _ = compiler.compile(keys.finally_, ("finally",), ended=keys.tasks)
    if project is not None:
        check_references(notebook, keys, project)
    check_triggers(notebook, keys, calls)
    triggers = compile_triggers(
        expressions, keys, visible.to_trigger(), timezone="UTC" if project is None else project.time_zone
    )
    definition = Definition(
        name=keys.name,
        description=keys.description,
        labels=dict(keys.labels),
        inputs=object_schema(keys.inputs),
        checks=_checks(keys, expressions, visible),
        webhooks=triggers.webhooks,
        schedules=triggers.schedules,
        events=triggers.events,
        workflows=triggers.workflows,
        concurrency=compile_concurrency(expressions, keys.concurrency, ("concurrency",), visible.to_checks()),
        outputs=expressions.template(("outputs",), visible.to_outputs(listed)),
        timeout=keys.timeout,
        vars={} if project is None else project.vars,
        tasks=replace(mark_collected(tasks, expressions.reads), fail_fast=keys.fail_fast),
        finally_=mark_collected(finally_, expressions.reads),
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
