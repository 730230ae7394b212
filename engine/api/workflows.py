"""Workflows: what can be started, and from which commit."""

from __future__ import annotations

from engine.api.models import Workflow, WorkflowDetail, Workflows
from engine.api.operations import Answer, Call, Operation
from engine.core.codec import definition_from_json

TAG = "workflows"


def listing(call: Call) -> Answer:
    """The active version of each workflow, by name."""
    active = call.services.definitions.active_all()
    return Answer(body=Workflows(items=[Workflow.model_validate(version) for version in active]))


def get(call: Call) -> Answer:
    """A workflow's active version with its text, and the versions before it."""
    definitions, name = call.services.definitions, call.path["name"]
    active = definitions.active(name)
    body = WorkflowDetail(
        active=Workflow.model_validate(active),
        text=active.text,
        inputs=definition_from_json(active.document).inputs,
        versions=[Workflow.model_validate(version) for version in definitions.versions(name)],
    )
    return Answer(body=body)


OPERATIONS = (
    Operation(
        method="GET",
        path="/api/v1/workflows",
        id="listWorkflows",
        summary="List workflows",
        tag=TAG,
        handler=listing,
        answer=Workflows,
    ),
    Operation(
        method="GET",
        path="/api/v1/workflows/{name}",
        id="getWorkflow",
        summary="Look at a workflow",
        tag=TAG,
        handler=get,
        answer=WorkflowDetail,
        problems=(404,),
    ),
)
