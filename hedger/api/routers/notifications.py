"""What traders are told of their requests."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from hedger.api.answers import BytesAnswer
from hedger.api.documented import answers
from hedger.api.listing import Filter, Listing, Order
from hedger.api.params import Cursor, Limit, PartyA, QuoteFilter, lower
from hedger.api.reading import Reader
from hedger.api.schemas import NotificationOut, Page
from hedger.projections.notifications import NotificationRow
from hedger.projections.tables import columns_of

NOTIFICATIONS = Listing(
    projection="quotes",
    source="{schema}.notifications AS t",
    columns=columns_of(NotificationRow),
    out=NotificationOut,
    order=(Order("sequence"),),
    descending=True,
)


def router(reader: Reader) -> APIRouter:
    routes = APIRouter(prefix="/notifications", tags=["notifications"])

    @routes.get("", response_class=BytesAnswer, responses=answers(Page[NotificationOut]))
    async def notifications(
        party_a: PartyA = None,
        quote_id: QuoteFilter = None,
        action_status: Literal["seen", "success", "failed"] | None = None,
        modify_time_gte: Annotated[int | None, Query(ge=0, le=2**62, description="Seconds.")] = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> BytesAnswer:
        """Notifications, newest first."""
        filters = (
            Filter("t.counterparty_address = %s", lower(party_a)),
            Filter("t.quote_id = %s", quote_id),
            Filter("t.action_status = %s", action_status),
            Filter("t.modify_time >= %s", modify_time_gte),
        )
        return await NOTIFICATIONS.page(reader, filters, limit=limit, cursor=cursor)

    return routes
