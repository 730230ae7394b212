"""Deliveries: every webhook call that was let in, and what each workflow made of it."""

from __future__ import annotations

from engine.api.models import Delivery, DeliveryDetail, DeliveryQuery, Page
from engine.api.operations import Answer, Call, Operation
from engine.api.paging import page

TAG = "deliveries"


def listing(call: Call) -> Answer:
    """Deliveries, newest first, without their bodies."""
    asked = call.asked(DeliveryQuery)
    rows = call.services.deliveries.list(source=asked.source, state=asked.state, before=asked.before, limit=asked.limit)
    return page(call, Delivery, rows, asked)


def get(call: Call) -> Answer:
    """One delivery with its headers and body."""
    return Answer(body=DeliveryDetail.model_validate(call.services.deliveries.get(call.path["id"])))


OPERATIONS = (
    Operation(
        method="GET",
        path="/api/v1/deliveries",
        id="listDeliveries",
        summary="List deliveries",
        tag=TAG,
        handler=listing,
        query=DeliveryQuery,
        answer=Page[Delivery],
    ),
    Operation(
        method="GET",
        path="/api/v1/deliveries/{id}",
        id="getDelivery",
        summary="Look at a delivery",
        tag=TAG,
        handler=get,
        answer=DeliveryDetail,
        problems=(404,),
    ),
)
