"""Transactions to the contract."""

from fastapi import APIRouter

from hedger.api.answers import BytesAnswer
from hedger.api.documented import answers
from hedger.api.listing import Filter, Listing, Order
from hedger.api.params import Cursor, Limit, PartyA, QuoteFilter, lower
from hedger.api.reading import Reader
from hedger.api.schemas import Page, TransactionOut
from hedger.domain.transactions import RequestState
from hedger.projections.tables import columns_of
from hedger.projections.transactions import TransactionRow

TRANSACTIONS = Listing(
    projection="quotes",
    source="{schema}.transactions AS t",
    columns=columns_of(TransactionRow),
    out=TransactionOut,
    order=(Order("first_position"),),
    descending=True,
)


def router(reader: Reader) -> APIRouter:
    routes = APIRouter(prefix="/transactions", tags=["transactions"])

    @routes.get("", response_class=BytesAnswer, responses=answers(Page[TransactionOut]))
    async def transactions(
        quote_id: QuoteFilter = None,
        party_a: PartyA = None,
        state: RequestState | None = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> BytesAnswer:
        """Transactions, newest first."""
        filters = (
            Filter("t.quote_id = %s", quote_id),
            Filter("t.party_a = %s", lower(party_a)),
            Filter("t.state = %s", state.value if state is not None else None),
        )
        return await TRANSACTIONS.page(reader, filters, limit=limit, cursor=cursor)

    return routes
