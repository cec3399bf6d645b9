"""Funding: what quotes were charged, and per symbol and epoch what that is against the exchange's own funding."""

from fastapi import APIRouter

from hedger.api.answers import BytesAnswer
from hedger.api.documented import answers
from hedger.api.listing import Filter, Listing, Order
from hedger.api.params import Cursor, Limit, QuoteFilter, Symbol, upper
from hedger.api.reading import Reader
from hedger.api.schemas import FundingChargeOut, FundingEpochOut, Page
from hedger.projections.funding import FundingChargeRow, FundingEpochRow
from hedger.projections.tables import columns_of

CHARGES = Listing(
    projection="quotes",
    source="{schema}.funding_charges AS t LEFT JOIN {schema}.symbols AS s ON s.symbol_id = t.symbol_id",
    columns=columns_of(FundingChargeRow),
    out=FundingChargeOut,
    order=(Order("position"),),
    descending=True,
    computed={"symbol": "coalesce(s.name, '')"},
)
EPOCHS = Listing(
    projection="quotes",
    source="{schema}.funding_epochs AS t",
    columns=columns_of(FundingEpochRow),
    out=FundingEpochOut,
    order=(Order("epoch"), Order("symbol", "text")),
    descending=True,
)


def router(reader: Reader) -> APIRouter:
    routes = APIRouter(prefix="/funding", tags=["funding"])

    @routes.get("", response_class=BytesAnswer, responses=answers(Page[FundingChargeOut]))
    async def charges(
        quote_id: QuoteFilter = None,
        symbol: Symbol = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> BytesAnswer:
        """Charges that hold, newest first."""
        filters = (
            Filter("t.holds = %s", True),
            Filter("t.quote_id = %s", quote_id),
            Filter("s.name = %s", upper(symbol)),
        )
        return await CHARGES.page(reader, filters, limit=limit, cursor=cursor)

    @routes.get("/epochs", response_class=BytesAnswer, responses=answers(Page[FundingEpochOut]))
    async def epochs(symbol: Symbol = None, limit: Limit = 100, cursor: Cursor = None) -> BytesAnswer:
        """Charged against received, by epoch and symbol, newest first."""
        return await EPOCHS.page(reader, (Filter("t.symbol = %s", upper(symbol)),), limit=limit, cursor=cursor)

    return routes
