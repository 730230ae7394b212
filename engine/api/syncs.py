"""Syncs: each attempt to load a commit, with its findings."""

from __future__ import annotations

from engine.api.models import Health, Nothing, Sync, SyncQuery, Syncs
from engine.api.operations import Answer, Call, Operation

TAG = "syncs"


def listing(call: Call) -> Answer:
    """Syncs, newest first."""
    asked = call.asked(SyncQuery)
    reports = call.services.definitions.syncs(asked.source, limit=asked.limit)
    return Answer(body=Syncs(items=[Sync.model_validate(report) for report in reports]))


def ask(call: Call) -> Answer:
    """Have the repository looked at now instead of at the next poll."""
    call.services.ask_sync()
    return Answer(body=Health(status="asked"), status=202)


OPERATIONS = (
    Operation(
        method="GET",
        path="/api/v1/syncs",
        id="listSyncs",
        summary="List syncs",
        tag=TAG,
        handler=listing,
        query=SyncQuery,
        answer=Syncs,
    ),
    Operation(
        method="POST",
        path="/api/v1/syncs",
        id="askSync",
        summary="Ask for a sync",
        tag=TAG,
        handler=ask,
        body=Nothing,
        answer=Health,
        status=202,
    ),
)
