"""The pages of the `api` process: their routes and their static files."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from engine.app.services import Services
from engine.config import Config
from engine.web.handling import act, show
from engine.web.instance_pages import InstancePages
from engine.web.record_pages import RecordPages
from engine.web.render import STATIC
from engine.web.workflow_pages import WorkflowPages

FOREVER = "public, max-age=31536000, immutable"


class _Kept(StaticFiles):
    """With their digest in the address, files never change."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """As Starlette does it, with caching."""
        response = await super().get_response(path, scope)
        if scope["query_string"].startswith(b"v="):
            response.headers["Cache-Control"] = FOREVER
        return response


def static_files() -> Mount:
    """Style sheet, script and icon."""
    return Mount(STATIC, _Kept(packages=[("engine.web", "static")]), name="static")


def routes(services: Services, config: Config) -> list[BaseRoute]:
    """Everything people see."""
    instances = InstancePages(services, public=config.public)
    workflows = WorkflowPages(services)
    records = RecordPages(services, public=config.public)
    return [
        show("/", instances.listing),
        show("/instances/{id}", instances.detail),
        show("/instances/{id}/part", instances.part),
        act("/instances/{id}/cancel", instances.cancel),
        act("/instances/{id}/pause", instances.pause),
        act("/instances/{id}/resume", instances.resume),
        act("/instances/{id}/retry", instances.retry),
        show("/workflows", workflows.listing),
        show("/workflows/{name}", workflows.detail),
        act("/workflows/{name}/start", workflows.start),
        show("/approvals", records.approvals),
        show("/deliveries", records.deliveries),
        show("/deliveries/{id}", records.delivery),
        show("/syncs", records.syncs),
        act("/syncs", records.ask_sync),
        static_files(),
    ]
