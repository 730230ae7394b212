"""Approvals: what waits for whom, and the decision of a person the caller vouches for with the API's token."""

from __future__ import annotations

from engine.api.models import Approval, ApprovalQuery, Decide, Page
from engine.api.operations import Answer, Call, Operation
from engine.api.paging import page

TAG = "approvals"


def listing(call: Call) -> Answer:
    """Approvals, newest first; open ones unless asked otherwise."""
    asked = call.asked(ApprovalQuery)
    rows = call.services.approvals.list(
        state=None if asked.state == "any" else asked.state,
        instance=asked.instance,
        before=asked.before,
        limit=asked.limit,
    )
    return page(call, Approval, rows, asked)


def get(call: Call) -> Answer:
    """One approval with the decisions made so far."""
    return Answer(body=Approval.model_validate(call.services.approvals.get(call.path["id"])))


def decide(call: Call) -> Answer:
    """Record a person's decision. The person's first one counts."""
    sent = call.sent(Decide)
    approval = call.services.approver.decide(
        call.path["id"], person=sent.person, decision=sent.decision, comment=sent.comment, form=sent.form, via="api"
    )
    return Answer(body=Approval.model_validate(approval))


OPERATIONS = (
    Operation(
        method="GET",
        path="/api/v1/approvals",
        id="listApprovals",
        summary="List approvals",
        tag=TAG,
        handler=listing,
        query=ApprovalQuery,
        answer=Page[Approval],
    ),
    Operation(
        method="GET",
        path="/api/v1/approvals/{id}",
        id="getApproval",
        summary="Look at an approval",
        tag=TAG,
        handler=get,
        answer=Approval,
        problems=(404,),
    ),
    Operation(
        method="POST",
        path="/api/v1/approvals/{id}/decision",
        id="decideApproval",
        summary="Approve or reject",
        tag=TAG,
        handler=decide,
        body=Decide,
        answer=Approval,
        problems=(403, 404, 409),
    ),
)
