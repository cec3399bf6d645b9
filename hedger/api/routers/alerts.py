"""Alerts, open and past, and what came of telling them."""

from typing import Annotated

from fastapi import APIRouter, Query

from hedger.api.answers import BytesAnswer
from hedger.api.documented import answers
from hedger.api.listing import Filter, Listing, Order
from hedger.api.params import Cursor, Limit
from hedger.api.reading import Reader
from hedger.api.schemas import AlertDeliveryOut, AlertOut, Page
from hedger.domain.alerts.events import Level
from hedger.projections.alerts import AlertDeliveryRow, AlertRow
from hedger.projections.tables import columns_of

ALERTS = Listing(
    projection="alerts",
    source="{schema}.alerts AS t",
    columns=columns_of(AlertRow),
    out=AlertOut,
    order=(Order("raised_position"),),
    descending=True,
)

DELIVERIES = Listing(
    projection="alerts",
    source="{schema}.alert_deliveries AS t",
    columns=columns_of(AlertDeliveryRow),
    out=AlertDeliveryOut,
    order=(Order("position"),),
    descending=True,
)


def router(reader: Reader) -> APIRouter:
    routes = APIRouter(prefix="/alerts", tags=["alerts"])

    @routes.get("", response_class=BytesAnswer, responses=answers(Page[AlertOut]))
    async def alerts(
        open: Annotated[bool | None, Query(description="Not recovered yet.")] = None,
        level: Annotated[Level | None, Query(description="Of this level only.")] = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> BytesAnswer:
        """Alerts, newest first."""
        filters = (
            Filter("t.is_open = %s", open),
            Filter("t.level = %s", level.value if level is not None else None),
        )
        return await ALERTS.page(reader, filters, limit=limit, cursor=cursor)

    @routes.get("/deliveries", response_class=BytesAnswer, responses=answers(Page[AlertDeliveryOut]))
    async def deliveries(
        target: Annotated[str | None, Query(max_length=40, description="Of this target only.")] = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> BytesAnswer:
        """Messages to targets, newest first. A target is told by its configured name, never by its address."""
        return await DELIVERIES.page(reader, (Filter("t.target = %s", target),), limit=limit, cursor=cursor)

    return routes
