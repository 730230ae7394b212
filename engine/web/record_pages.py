"""Pages about what came in and what waits: approvals, deliveries, syncs."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from engine.app.ports import InstanceReader
from engine.app.services import Services
from engine.errors import NotFound
from engine.web.handling import Visit
from engine.web.render import page

PER_PAGE = 40
DELIVERY_STATES = ("started", "ignored", "failed", "received")
SHOWN = 20_000
"""Characters of a delivery's body that its page shows."""


class RecordPages:
    """The pages about approvals, deliveries and syncs. `public` is where approval links start."""

    def __init__(self, services: Services, *, public: str) -> None:
        self._services = services
        self._public = public

    def approvals(self, visit: Visit) -> Response:
        """Open approvals, or all."""
        reader, everything = self._services.reader, visit.query.get("state") == "any"
        before = visit.query.get("before") or None
        found = self._services.approvals.list(state=None if everything else "open", before=before, limit=PER_PAGE)
        workflows = {name: _workflow(reader, name) for name in {row.instance for row in found}}
        return page(
            "approvals.html",
            {
                "approvals": [row for row in found if workflows[row.instance]],
                "workflows": workflows,
                "everything": everything,
                "public": self._public,
                "older": _older(found[-1].id if len(found) == PER_PAGE else "", state="any" if everything else ""),
            },
        )

    def deliveries(self, visit: Visit) -> Response:
        """Webhook calls, newest first."""
        state, before = visit.query.get("state") or None, visit.query.get("before") or None
        found = self._services.deliveries.list(state=state, before=before, limit=PER_PAGE)
        return page(
            "deliveries.html",
            {
                "deliveries": found,
                "state": state,
                "states": DELIVERY_STATES,
                "older": _older(found[-1].id if len(found) == PER_PAGE else "", state=state or ""),
            },
        )

    def delivery(self, visit: Visit) -> Response:
        """One call as it came in."""
        found = self._services.deliveries.get(visit.path["id"])
        body = found.body.decode("utf-8", "replace")
        return page("delivery.html", {"delivery": found, "body": body[:SHOWN], "cut": max(len(body) - SHOWN, 0)})

    def syncs(self, _visit: Visit) -> Response:
        """Attempts to load a commit, with their findings."""
        return page("syncs.html", {"syncs": self._services.definitions.syncs(limit=PER_PAGE)})

    def ask_sync(self, _visit: Visit) -> Response:
        """Have the repository looked at now."""
        self._services.ask_sync()
        return RedirectResponse("/syncs", 303)


def _workflow(reader: InstanceReader, instance: str) -> str:
    """Empty for one that is gone, and whose approvals will be in a moment."""
    try:
        return reader.get(instance).workflow
    except NotFound:
        return ""


def _older(last: str, **filters: str) -> str:
    if not last:
        return ""
    return urlencode({**{name: value for name, value in filters.items() if value}, "before": last})
