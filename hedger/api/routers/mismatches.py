"""Differences between chain, venue and log."""

from typing import Annotated

from fastapi import APIRouter, Query

from hedger.api.answers import BytesAnswer
from hedger.api.documented import answers
from hedger.api.listing import Filter, Listing, Order
from hedger.api.params import Cursor, Limit
from hedger.api.reading import Reader
from hedger.api.schemas import MismatchOut, Page
from hedger.projections.mismatches import MismatchRow
from hedger.projections.tables import columns_of

MISMATCHES = Listing(
    projection="mismatches",
    source="{schema}.mismatches AS t",
    columns=columns_of(MismatchRow),
    out=MismatchOut,
    order=(Order("found_position"),),
    descending=True,
)


def router(reader: Reader) -> APIRouter:
    routes = APIRouter(prefix="/mismatches", tags=["mismatches"])

    @routes.get("", response_class=BytesAnswer, responses=answers(Page[MismatchOut]))
    async def mismatches(
        open: Annotated[bool | None, Query(description="Not resolved yet.")] = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> BytesAnswer:
        """Differences, newest first."""
        return await MISMATCHES.page(reader, (Filter("t.is_open = %s", open),), limit=limit, cursor=cursor)

    return routes
