"""Orders at the venue."""

from typing import Annotated

from fastapi import APIRouter, Query

from hedger.api.answers import BytesAnswer
from hedger.api.documented import answers
from hedger.api.listing import Filter, Listing, Order
from hedger.api.params import Cursor, Limit, QuoteFilter, Symbol, upper
from hedger.api.reading import Reader
from hedger.api.schemas import OrderOut, Page
from hedger.domain.quote.hedge import OrderState
from hedger.projections.orders import OrderRow
from hedger.projections.tables import columns_of

ORDERS = Listing(
    projection="quotes",
    source="{schema}.orders AS t",
    columns=columns_of(OrderRow),
    out=OrderOut,
    order=(Order("first_position"),),
    descending=True,
)


def router(reader: Reader) -> APIRouter:
    routes = APIRouter(prefix="/orders", tags=["orders"])

    @routes.get("", response_class=BytesAnswer, responses=answers(Page[OrderOut]))
    async def orders(
        quote_id: QuoteFilter = None,
        symbol: Symbol = None,
        state: OrderState | None = None,
        settled: Annotated[bool | None, Query(description="Nothing more can come of it.")] = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> BytesAnswer:
        """Orders, newest first."""
        filters = (
            Filter("t.quote_id = %s", quote_id),
            Filter("t.symbol = %s", upper(symbol)),
            Filter("t.state = %s", state.value if state is not None else None),
            Filter("t.is_settled = %s", settled),
        )
        return await ORDERS.page(reader, filters, limit=limit, cursor=cursor)

    return routes
