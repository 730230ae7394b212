"""All that is loaded, whole: what `headrace plan` holds files against."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from engine.api.models import JsonMap, Row
from engine.api.operations import Answer, Call, Operation


class LoadedWorkflow(Row):
    """The active version of a workflow, as the engine runs it."""

    name: Annotated[str, Field(validation_alias="workflow")]
    path: str
    commit: str
    document: JsonMap
    unfinished: dict[str, int] = Field(default_factory=dict, description="Instances that have not ended, by state.")


class Loaded(BaseModel):
    """The active versions of all workflows, and the project they share."""

    project: JsonMap | None = Field(description="null before the first sync.")
    items: list[LoadedWorkflow]


def loaded(call: Call) -> Answer:
    """Everything at once: a workflow whose file has gone is among those that have instances only if it is still active."""
    project = call.services.definitions.project()
    unfinished = call.services.reader.unfinished()
    items = [LoadedWorkflow.model_validate(version) for version in call.services.definitions.active_all()]
    return Answer(
        body=Loaded(
            project=None if project is None else project.document,
            items=[item.model_copy(update={"unfinished": dict(unfinished.get(item.name, {}))}) for item in items],
        )
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/api/v1/definitions",
        id="listDefinitions",
        summary="All workflows as they are loaded",
        tag="workflows",
        handler=loaded,
        answer=Loaded,
    ),
)
