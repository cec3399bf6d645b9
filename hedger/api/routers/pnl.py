"""Profit and loss: sums by quote, account, symbol, day or kind, and the lines they are made of."""

from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import APIRouter, Query

from hedger.api.answers import BytesAnswer, json_answer
from hedger.api.documented import answers
from hedger.api.listing import Filter, Listing, Order
from hedger.api.params import Cursor, Limit, PartyA, QuoteFilter, Symbol, lower, upper
from hedger.api.reading import Reader, Statement
from hedger.api.schemas import Page, PnlLineOut, PnlOut
from hedger.domain.accounting.lines import LineKind
from hedger.projections.pnl_rows import PnlLineRow
from hedger.projections.pnl_sheets import By, statements, summed, told
from hedger.projections.tables import columns_of

LINES = Listing(
    projection="pnl",
    source="{schema}.pnl_lines AS t",
    columns=columns_of(PnlLineRow),
    out=PnlLineOut,
    order=(Order("position"), Order("line_no")),
    descending=True,
)

Day = Annotated[str | None, Query(pattern=r"^\d{4}-\d{2}-\d{2}$", description="Of one UTC day only.")]


def router(reader: Reader, marks: Callable[[], Mapping[str, int]], coin_price: int | None) -> APIRouter:
    """`marks` gives the newest mark prices by symbol (wads); `coin_price` is what gas is converted at, if at all."""
    routes = APIRouter(prefix="/pnl", tags=["pnl"])

    @routes.get("", response_class=BytesAnswer, responses=answers(PnlOut))
    async def pnl(by: By = By.SYMBOL) -> BytesAnswer:
        """Sums since the opening state, by key. What is held unmatched is valued at the newest marks."""
        lines, held = statements(by)
        as_of, (line_rows, held_rows) = await reader.read("pnl", Statement(lines), Statement(held))
        sums = summed(line_rows, held_rows, marks())
        items = [told(each, coin_price) for each in sums]
        return json_answer({"as_of": as_of, "by": by.value, "items": items})

    @routes.get("/lines", response_class=BytesAnswer, responses=answers(Page[PnlLineOut]))
    async def pnl_lines(
        quote_id: QuoteFilter = None,
        party_a: PartyA = None,
        symbol: Symbol = None,
        day: Day = None,
        kind: LineKind | None = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> BytesAnswer:
        """Lines, newest first; `sources` are the log positions of the events that a line was made of."""
        filters = (
            Filter("t.quote_id = %s", quote_id),
            Filter("t.party_a = %s", lower(party_a)),
            Filter("t.symbol = %s", upper(symbol)),
            Filter("t.day = %s", day),
            Filter("t.kind = %s", kind.value if kind is not None else None),
        )
        return await LINES.page(reader, filters, limit=limit, cursor=cursor)

    return routes
