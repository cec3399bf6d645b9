"""Quotes: listed, one by one, and the whole story of each."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from hedger.api.answers import BytesAnswer, json_answer
from hedger.api.deps import HistoryLog
from hedger.api.documented import answers
from hedger.api.errors import not_found
from hedger.api.listing import Filter, Listing, Order
from hedger.api.params import Cursor, Limit, PartyA, QuoteId, StatusName, Symbol, lower, upper
from hedger.api.reading import Reader, Statement
from hedger.api.schemas import HistoryOut, Page, QuoteOut, Single
from hedger.domain.quote.quote import Verdict
from hedger.domain.terms import QuoteStatus
from hedger.projections.audit import StoryLine, story
from hedger.projections.quotes import QuoteRow
from hedger.projections.tables import columns_of

QUOTES = Listing(
    projection="quotes",
    source="{schema}.quotes AS t LEFT JOIN {schema}.symbols ON symbols.symbol_id = t.symbol_id",
    columns=columns_of(QuoteRow),
    out=QuoteOut,
    order=(Order("quote_id"),),
    descending=True,
    computed={"symbol": "coalesce(symbols.name, '')"},
)


def router(reader: Reader, log: HistoryLog) -> APIRouter:
    routes = APIRouter(prefix="/quotes", tags=["quotes"])

    @routes.get("", response_class=BytesAnswer, responses=answers(Page[QuoteOut]))
    async def quotes(
        status: Annotated[list[StatusName] | None, Query(description="Any of these.")] = None,
        symbol: Symbol = None,
        party_a: PartyA = None,
        live: Annotated[bool | None, Query(description="Something may still have to be done for it.")] = None,
        verdict: Verdict | None = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> BytesAnswer:
        """Quotes, newest first."""
        filters = (
            Filter("t.status = ANY(%s)", _numbers(status)),
            Filter("symbols.name = %s", upper(symbol)),
            Filter("t.party_a = %s", lower(party_a)),
            Filter("t.is_live = %s", live),
            Filter("t.verdict = %s", verdict.value if verdict is not None else None),
        )
        return await QUOTES.page(reader, filters, limit=limit, cursor=cursor)

    @routes.get("/{quote_id}", response_class=BytesAnswer, responses=answers(Single[QuoteOut], errors=(404, 422, 503)))
    async def quote(quote_id: QuoteId) -> BytesAnswer:
        """One quote."""
        return await QUOTES.one(reader, Filter("t.quote_id = %s", quote_id), what="such quote", field="quote_id")

    @routes.get(
        "/{quote_id}/history", response_class=BytesAnswer, responses=answers(HistoryOut, errors=(404, 422, 503))
    )
    async def history(quote_id: QuoteId) -> BytesAnswer:
        """Every fact, decision with its inputs and rules, order and transaction of one quote, in log order."""
        found = Statement("SELECT aggregate_id FROM {schema}.quotes WHERE quote_id = %s", (quote_id,))
        as_of, (rows,) = await reader.read("quotes", found)
        if not rows:
            raise not_found("such quote", field="quote_id")
        aggregate_id: UUID = rows[0][0]
        lines = story(await log.events_of(aggregate_id, upto=as_of))
        return json_answer({"as_of": as_of, "quote_id": quote_id, "lines": [_line(line) for line in lines]})

    return routes


def _numbers(names: list[StatusName] | None) -> list[int] | None:
    return [int(QuoteStatus[name.name]) for name in names] if names else None


def _line(line: StoryLine) -> dict[str, object]:
    return {name: getattr(line, name) for name in line.__struct_fields__}
