"""Pages about workflows: the list, one with its DAG, text and versions, and a form to start it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.responses import RedirectResponse, Response

from engine.app.services import Services
from engine.app.versions import Version
from engine.core.codec import definition_from_json
from engine.core.project import Project
from engine.errors import Invalid, NotFound, Problem
from engine.web.forms import fields, values
from engine.web.handling import Visit
from engine.web.instance_pages import BY
from engine.web.nesting import plan
from engine.web.picture import picture
from engine.web.render import page

SHOWN = 20


class WorkflowPages:
    """The pages about workflows."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def listing(self, _visit: Visit) -> Response:
        """The active version of each workflow."""
        active = self._services.definitions.active_all()
        project = self._services.definitions.project()
        descriptions = {version.id: definition_from_json(version.document).description for version in active}
        return page("workflows.html", {"versions": active, "descriptions": descriptions, "project": project})

    def detail(self, visit: Visit) -> Response:
        """One workflow; with `?version=` as it was then."""
        active = self._services.definitions.active(visit.path["name"])
        wanted = visit.query.get("version") or active.id
        shown = active if wanted == active.id else self._services.definitions.version(wanted)
        if shown.workflow != active.workflow:
            raise NotFound("version", wanted)
        return self._page(shown, active)

    def start(self, visit: Visit) -> Response:
        """Start the active version with what the form holds, or show the form again with what does not fit."""
        active = self._services.definitions.active(visit.path["name"])
        schema = definition_from_json(active.document).inputs
        inputs, wrong = values(schema.get("properties", {}), visit.form)
        if wrong:
            return self._page(active, active, sent=visit.form, error="the inputs cannot be read", problems=wrong)
        by = visit.form.get("by", "")
        try:
            started = self._services.starter.start(active.workflow, inputs, by=by if by in self._people() else BY)
        except Invalid as error:
            return self._page(active, active, sent=visit.form, error=error.detail, problems=error.problems)
        return RedirectResponse(f"/instances/{started}", 303)

    def _people(self) -> Sequence[str]:
        """Who may say that they start it; as with approvals by the API, the token's holders vouch for the name."""
        project = self._services.definitions.project()
        return sorted(Project.from_json(project.document).people) if project else ()

    def _page(
        self,
        shown: Version,
        active: Version,
        *,
        sent: Mapping[str, str] | None = None,
        error: str = "",
        problems: Sequence[Problem] = (),
    ) -> Response:
        definition = definition_from_json(shown.document)
        schema = definition.inputs
        inputs = fields(schema.get("properties", {}), schema.get("required", ()), sent, problems)
        told = {problem.detail for field in inputs for problem in problems if problem.detail in field.problem}
        return page(
            "workflow.html",
            {
                "version": shown,
                "active": active,
                "definition": definition,
                "picture": picture(plan(definition), ran=False).drawing,
                "fields": inputs,
                "people": self._people(),
                "by": (sent or {}).get("by", ""),
                "error": error,
                "others": [problem for problem in problems if problem.detail not in told],
                "versions": self._services.definitions.versions(shown.workflow, limit=SHOWN),
                "instances": self._services.reader.list(workflow=shown.workflow, limit=8),
                "planned": self._services.timetable.planned(shown.workflow) if shown.id == active.id else (),
            },
            status=Invalid.status if error else 200,
        )
