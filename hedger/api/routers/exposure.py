"""Exposure per symbol: what is open on chain against what the venue holds."""

from fastapi import APIRouter

from hedger.api.answers import BytesAnswer
from hedger.api.documented import answers
from hedger.api.listing import Filter, Listing, Order
from hedger.api.params import Cursor, Limit, Symbol, upper
from hedger.api.reading import Reader
from hedger.api.schemas import ExposureOut, Page
from hedger.projections.exposure import ExposureRow
from hedger.projections.tables import columns_of

EXPOSURE = Listing(
    projection="quotes",
    source="{schema}.exposure AS t",
    columns=columns_of(ExposureRow),
    out=ExposureOut,
    order=(Order("symbol_id"),),
)


def router(reader: Reader) -> APIRouter:
    routes = APIRouter(prefix="/exposure", tags=["exposure"])

    @routes.get("", response_class=BytesAnswer, responses=answers(Page[ExposureOut]))
    async def exposure(symbol: Symbol = None, limit: Limit = 500, cursor: Cursor = None) -> BytesAnswer:
        """Symbols with a position or a hedge, by symbol id."""
        return await EXPOSURE.page(reader, (Filter("t.symbol = %s", upper(symbol)),), limit=limit, cursor=cursor)

    return routes
