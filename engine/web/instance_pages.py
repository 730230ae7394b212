"""Pages about instances: the list, one with its DAG, and the cancel button."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from engine.app.glance import glance
from engine.app.large_outputs import whole
from engine.app.read import has_part, tasks_in, tasks_of
from engine.app.records import FINAL, Instance, LogLine
from engine.app.services import Services
from engine.core.codec import definition_from_json
from engine.core.keys import ROOT
from engine.core.values import JsonObject
from engine.errors import NotFound
from engine.web.handling import Visit
from engine.web.nesting import tree
from engine.web.picture import picture
from engine.web.render import page
from engine.web.task_words import needs

PER_PAGE = 40
STATES = ("running", "waiting", "queued", "paused", "compensating", "succeeded", "failed", "cancelled")
PART = 100
"""Scopes on one page of those that a task consists of."""
LINES = 1_000
"""Log lines that one page shows."""
EVENTS = 500
FILES = 200
COUNTED = 1_000
"""Instances that the list counts of each state."""
SHOWN_VALUES = 256 * 1024
"""Bytes of large outputs that a page shows."""
CHILDREN = 50
GIST, VALUE_LENGTH, GIST_LENGTH = 3, 24, 80
"""Inputs, characters of each value, and characters in all that the list shows of them."""
BY = "page"
"""Who acted, where a page knows only that they hold the token."""


class InstancePages:
    """The pages about instances. `public` is where approval links start."""

    def __init__(self, services: Services, *, public: str) -> None:
        self._services = services
        self._public = public

    def listing(self, visit: Visit) -> Response:
        """All instances, newest first."""
        workflow, state = visit.query.get("workflow") or None, visit.query.get("state") or None
        before = visit.query.get("before") or None
        reader = self._services.reader
        instances = reader.list(workflow=workflow, state=state, before=before, limit=PER_PAGE)
        older = {"workflow": workflow, "state": state, "before": instances[-1].id} if len(instances) == PER_PAGE else {}
        return page(
            "instances.html",
            {
                "instances": instances,
                "counts": reader.counts(COUNTED),
                "counted": COUNTED,
                "states": STATES,
                "workflows": [version.workflow for version in self._services.definitions.active_all()],
                "workflow": workflow,
                "state": state,
                "older": urlencode({name: value for name, value in older.items() if value}),
                "first": before is None,
                "gist": gist,
                "link": lambda name: "?" + urlencode({k: v for k, v in (("workflow", workflow), ("state", name)) if v}),
            },
        )

    def detail(self, visit: Visit) -> Response:
        """One instance."""
        services, name = self._services, visit.path["id"]
        instance = services.reader.get(name)
        definition = definition_from_json(services.instances.definition(instance.digest))
        scopes, more = glance(services.reader, name)
        root, views = scopes.get(ROOT), tasks_of(definition, scopes)
        views = whole(services.values, name, views, most=SHOWN_VALUES)
        history = services.reader.history(name, limit=EVENTS)
        logs = services.logs.read(name, limit=LINES)
        tops = tree(views, scopes)
        drawn = picture(tops)
        own = [view for top in tops for view in top.views]
        return page(
            "instance.html",
            {
                "instance": instance,
                "final": instance.state in FINAL,
                "tops": tops,
                "tasks": own,
                "done": sum(view.finished_at is not None for view in own),
                "picture": drawn.drawing,
                "drawn": drawn.tasks,
                "children": services.reader.list(parent=name, limit=CHILDREN),
                "approvals": services.approvals.list(state="open", instance=name),
                "waits": services.slots.waiting(name),
                "files": services.artifacts.list(name, limit=FILES),
                "most_files": FILES,
                "public": self._public,
                "cancel": root.get("cancel") if root else None,
                "history": history,
                "more_history": len(history) == EVENTS,
                "logs": _by_task(logs),
                "more_logs": len(logs) == LINES,
                "source": self._source(instance),
                "more_scopes": more,
                "paused": root.get("paused") if root else None,
                "needs": needs(views),
            },
        )

    def part(self, visit: Visit) -> Response:
        """What one task consists of, in pages: the items of a large fan-out."""
        services, name, scope = self._services, visit.path["id"], visit.query.get("scope", "")
        instance = services.reader.get(name)
        definition = definition_from_json(services.instances.definition(instance.digest))
        if not scope or not has_part(definition, scope):
            raise NotFound("scope", scope)
        after = visit.query.get("after") or None
        scopes = services.reader.scopes(name, below=scope, after=after, limit=PART)
        views = whole(services.values, name, tasks_in(definition, scopes), most=SHOWN_VALUES)
        following = {"scope": scope, "after": list(scopes)[-1]} if len(scopes) == PART else {}
        return page(
            "part.html",
            {
                "instance": instance,
                "scope": scope,
                "tops": tree(views, scopes),
                "drawn": frozenset(),
                "logs": {},
                "needs": needs(views),
                "first": after is None,
                "older": urlencode(following),
            },
        )

    def cancel(self, visit: Visit) -> Response:
        """Cancel, and show what becomes of it."""
        name = visit.path["id"]
        self._services.canceller.cancel(name, by=BY, reason=visit.form.get("reason", "")[:500])
        return RedirectResponse(f"/instances/{name}", 303)

    def pause(self, visit: Visit) -> Response:
        """Pause, and show it."""
        name = visit.path["id"]
        self._services.pauser.pause(name, by=BY, reason=visit.form.get("reason", "")[:500])
        return RedirectResponse(f"/instances/{name}", 303)

    def resume(self, visit: Visit) -> Response:
        """Go on, and show it."""
        name = visit.path["id"]
        self._services.pauser.resume(name, by=BY)
        return RedirectResponse(f"/instances/{name}", 303)

    def retry(self, visit: Visit) -> Response:
        """Reopen what has ended, and show what becomes of it."""
        name = visit.path["id"]
        self._services.retrier.retry(name, by=BY, newest=visit.form.get("version") == "newest")
        return RedirectResponse(f"/instances/{name}", 303)

    def _source(self, instance: Instance) -> JsonObject | None:
        """Who wrote the version it runs; None if the definitions DB does not know it (any more)."""
        try:
            version = self._services.definitions.version(instance.version)
        except NotFound:
            return None
        return {"author": version.author_name, "path": version.path, "at": version.committed_at}


def gist(inputs: JsonObject) -> str:
    """The first texts of the inputs in a line, to tell instances apart."""
    simple = [
        f"{name} {_cut(value, VALUE_LENGTH)}" for name, value in inputs.items() if isinstance(value, str) and value
    ]
    return _cut(" · ".join(simple[:GIST]), GIST_LENGTH)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _by_task(lines: Sequence[LogLine]) -> dict[str, list[LogLine]]:
    found: dict[str, list[LogLine]] = {}
    for line in lines:
        found.setdefault(line.path, []).append(line)
    return found
