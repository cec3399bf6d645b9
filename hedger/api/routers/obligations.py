"""The obligation clock: what is owed by when."""

from typing import Annotated

from fastapi import APIRouter, Query

from hedger.api.answers import BytesAnswer
from hedger.api.documented import answers
from hedger.api.listing import Filter, Listing, Order
from hedger.api.params import Cursor, Limit, PartyA, lower
from hedger.api.reading import Reader
from hedger.api.schemas import ObligationOut, Page
from hedger.projections.obligations import ObligationRow
from hedger.projections.tables import columns_of

OBLIGATIONS = Listing(
    projection="quotes",
    source="{schema}.obligations AS t LEFT JOIN {schema}.symbols ON symbols.symbol_id = t.symbol_id",
    columns=columns_of(ObligationRow),
    out=ObligationOut,
    order=(Order("due_at", "numeric"), Order("quote_id")),
    computed={"symbol": "coalesce(symbols.name, '')"},
)


def router(reader: Reader) -> APIRouter:
    routes = APIRouter(prefix="/obligations", tags=["obligations"])

    @routes.get("", response_class=BytesAnswer, responses=answers(Page[ObligationOut]))
    async def obligations(
        party_a: PartyA = None,
        due_before: Annotated[int | None, Query(ge=0, le=2**62, description="Seconds of the chain.")] = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> BytesAnswer:
        """What is owed, most urgent first."""
        filters = (Filter("t.party_a = %s", lower(party_a)), Filter("t.due_at < %s", due_before))
        return await OBLIGATIONS.page(reader, filters, limit=limit, cursor=cursor)

    return routes
