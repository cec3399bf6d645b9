"""Differences between chain, venue and log, repairs of them, and foreign trades on the exchange account."""

from typing import Annotated

from fastapi import APIRouter, Query

from hedger.api.answers import BytesAnswer
from hedger.api.documented import answers
from hedger.api.listing import Filter, Listing, Order
from hedger.api.params import Cursor, Limit
from hedger.api.reading import Reader
from hedger.api.schemas import ForeignTradeOut, MismatchOut, Page, RepairOut
from hedger.projections.mismatches import MismatchRow
from hedger.projections.repairs import ForeignTradeRow, RepairRow
from hedger.projections.tables import columns_of

MISMATCHES = Listing(
    projection="mismatches",
    source="{schema}.mismatches AS t",
    columns=columns_of(MismatchRow),
    out=MismatchOut,
    order=(Order("found_position"),),
    descending=True,
)

REPAIRS = Listing(
    projection="mismatches",
    source="{schema}.repairs AS t",
    columns=columns_of(RepairRow),
    out=RepairOut,
    order=(Order("proposed_position"),),
    descending=True,
)

FOREIGN_TRADES = Listing(
    projection="mismatches",
    source="{schema}.foreign_trades AS t",
    columns=columns_of(ForeignTradeRow),
    out=ForeignTradeOut,
    order=(Order("position"),),
    descending=True,
)


def router(reader: Reader) -> APIRouter:
    routes = APIRouter(tags=["mismatches"])

    @routes.get("/mismatches", response_class=BytesAnswer, responses=answers(Page[MismatchOut]))
    async def mismatches(
        open: Annotated[bool | None, Query(description="Not resolved yet.")] = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> BytesAnswer:
        """Differences, newest first."""
        return await MISMATCHES.page(reader, (Filter("t.is_open = %s", open),), limit=limit, cursor=cursor)

    @routes.get("/repairs", response_class=BytesAnswer, responses=answers(Page[RepairOut]))
    async def repairs(
        state: Annotated[
            str | None, Query(max_length=20, description="proposed, confirmed, run, failed or needless.")
        ] = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> BytesAnswer:
        """Repairs, newest first, with the command that confirms one."""
        return await REPAIRS.page(reader, (Filter("t.state = %s", state),), limit=limit, cursor=cursor)

    @routes.get("/foreign_trades", response_class=BytesAnswer, responses=answers(Page[ForeignTradeOut]))
    async def foreign_trades(
        symbol: Annotated[str | None, Query(max_length=40, description="Of this symbol only.")] = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> BytesAnswer:
        """Trades on the account that are no hedge, newest first."""
        return await FOREIGN_TRADES.page(reader, (Filter("t.symbol = %s", symbol),), limit=limit, cursor=cursor)

    return routes
