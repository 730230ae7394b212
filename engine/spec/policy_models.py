"""The shape of `policies` in project.yaml: what the workflows of a repository must have, and what they may use."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints

from engine.spec.fields import Names, Queue, Shape

PolicyKind: TypeAlias = Literal[
    "approval",
    "container",
    "emit",
    "event",
    "exit",
    "fail",
    "http",
    "message",
    "python",
    "run",
    "values",
    "wait",
    "workflow",
]
"""What stands after `uses`, and the two kinds that have a key of their own."""
Host: TypeAlias = Annotated[str, StringConstraints(pattern=r"^(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")]


class PoliciesKeys(Shape):
    """What workflows must have and may use. Held by lint and by the sync worker alike."""

    require_timeout: bool = False
    """Every script, function and container is bounded by a `timeout` or `deadline`."""
    require_description: bool = False
    """Every workflow has a `description`."""
    require_labels: Names = Field(default_factory=list)
    """Labels that every workflow has."""
    allowed_kinds: list[PolicyKind] | None = None
    """The only kinds of tasks that may be used."""
    forbidden_kinds: list[PolicyKind] = Field(default_factory=list)
    """Kinds of tasks that may not be used."""
    allowed_hosts: list[Host] | None = None
    """The only servers that `http` may call; `*.example.com` has all below example.com."""
    require_approval_before: list[Queue] = Field(default_factory=list)
    """Task queues: a task on one of them runs only after an approval."""
    severity: dict[str, Literal["off", "info", "warning", "error"]] = Field(default_factory=dict)
    """The severity of rules by their id; `off` takes one out."""
