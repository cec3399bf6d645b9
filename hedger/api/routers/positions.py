"""Open positions of this hedger."""

from fastapi import APIRouter

from hedger.api.answers import BytesAnswer
from hedger.api.documented import answers
from hedger.api.listing import Filter, Listing, Order
from hedger.api.params import Cursor, Limit, PartyA, Symbol, lower, upper
from hedger.api.reading import Reader
from hedger.api.schemas import Page, PositionOut
from hedger.projections.open_positions import PositionRow
from hedger.projections.tables import columns_of

POSITIONS = Listing(
    projection="quotes",
    source="{schema}.positions AS t",
    columns=columns_of(PositionRow),
    out=PositionOut,
    order=(Order("quote_id"),),
)


def router(reader: Reader) -> APIRouter:
    routes = APIRouter(prefix="/positions", tags=["positions"])

    @routes.get("", response_class=BytesAnswer, responses=answers(Page[PositionOut]))
    async def positions(
        symbol: Symbol = None, party_a: PartyA = None, limit: Limit = 100, cursor: Cursor = None
    ) -> BytesAnswer:
        """Open positions, by quote id."""
        filters = (Filter("t.symbol = %s", upper(symbol)), Filter("t.party_a = %s", lower(party_a)))
        return await POSITIONS.page(reader, filters, limit=limit, cursor=cursor)

    return routes
