"""The read model of quotes: one row a quote, both facets laid flat, and the aggregate itself to fold on from."""

from uuid import UUID

import msgspec

from hedger.domain.policies.decide import needs_attention
from hedger.domain.policies.policy import Policy
from hedger.domain.quote.hedge import Hedge
from hedger.domain.quote.onchain import CloseRequest, OnChain, notional
from hedger.domain.quote.quote import Quote
from hedger.domain.terms import Leg, OrderType, PositionType
from hedger.projections.states import state_codec
from hedger.projections.tables import Seconds, Table, Wad
from hedger.projections.tracked import Tracked


class QuoteRow(msgspec.Struct, frozen=True, kw_only=True):
    """One quote. `status` is null while no block of the chain holds the quote; `close_...` while nothing is asked to be
    closed. `required` and `hedged` are signed, long positive. `is_live`: something may still have to be done for it."""

    aggregate_id: UUID
    quote_id: int
    chain_id: int
    parent_id: int
    party_a: str
    party_b: str
    party_bs_whitelist: tuple[str, ...]
    symbol_id: int
    position_type: int
    order_type: int
    status: int | None
    status_since: int
    status_block: int
    sent_at: int
    deadline: Seconds
    requested_price: Wad
    market_price: Wad
    quantity: Wad
    open_quantity: Wad
    closed_quantity: Wad
    liquidated_quantity: Wad
    opened_price: Wad
    initial_opened_price: Wad
    average_closed_price: Wad
    notional: Wad
    trading_fee: Wad
    cva: Wad
    lf: Wad
    party_a_mm: Wad
    party_b_mm: Wad
    close_id: int | None
    close_price: Wad | None
    close_quantity: Wad | None
    close_filled: Wad | None
    close_order_type: int | None
    close_deadline: Seconds | None
    close_requested_at: int | None
    verdict: str
    code: int
    required: Wad
    hedged: Wad
    hedge_open_price: Wad
    hedge_close_price: Wad
    orders_unsettled: int
    request_in_flight: str
    is_ours: bool
    is_position: bool
    is_live: bool
    owes: bool
    version: int
    first_position: int
    last_position: int
    first_recorded_at_ms: int
    last_recorded_at_ms: int
    state: bytes


def quotes_table(party_b: str) -> Table[Tracked]:
    """The table of quotes as one PartyB sees them."""
    judge = Policy(version="", party_b=party_b, tag="", symbols={})
    return Table(
        "quotes",
        QuoteRow,
        ("aggregate_id",),
        row_of=lambda tracked: row_of(tracked, judge),
        cell_of=tracked_of,
        shape=state_codec(Quote).shape,
        indexes=(
            "(symbol_id, quote_id)",
            "(party_a, quote_id)",
            "(status, quote_id)",
            "(quote_id) WHERE is_live",
            "(quote_id) WHERE owes",
            "(symbol_id, quote_id) WHERE is_position OR hedged <> 0",
        ),
    )


def row_of(tracked: Tracked, judge: Policy) -> QuoteRow:
    quote = tracked.quote
    # A quote that no block holds has no facet; its columns are those of an empty one.
    facet = quote.chain or OnChain(quote_id=quote.quote_id, party_a=tracked.party_a)
    close, locked = facet.close, facet.locked
    ours = tracked.is_ours(judge.party_b)
    in_flight = quote.in_flight
    return QuoteRow(
        aggregate_id=quote.id,
        quote_id=quote.quote_id,
        chain_id=quote.chain_id,
        parent_id=facet.parent_id,
        party_a=tracked.party_a,
        party_b=facet.party_b,
        party_bs_whitelist=facet.party_bs_whitelist,
        symbol_id=tracked.symbol_id,
        position_type=int(tracked.position_type),
        order_type=int(tracked.order_type),
        status=int(facet.status) if quote.chain is not None else None,
        status_since=facet.status_since,
        status_block=facet.status_block,
        sent_at=facet.sent_at,
        deadline=facet.deadline,
        requested_price=facet.requested_price,
        market_price=facet.market_price,
        quantity=facet.quantity,
        open_quantity=facet.open_quantity,
        closed_quantity=facet.closed_quantity,
        liquidated_quantity=facet.liquidated_quantity,
        opened_price=facet.opened_price,
        initial_opened_price=facet.initial_opened_price,
        average_closed_price=facet.average_closed_price,
        notional=notional(facet),
        trading_fee=facet.trading_fee,
        cva=locked.cva,
        lf=locked.lf,
        party_a_mm=locked.party_a_mm,
        party_b_mm=locked.party_b_mm,
        **_close_columns(close),
        verdict=quote.verdict.value,
        code=quote.code,
        required=tracked.required(judge.party_b),
        hedged=tracked.hedged,
        hedge_open_price=average_price(quote.hedge, Leg.OPEN, Leg.REHEDGE),
        hedge_close_price=average_price(quote.hedge, Leg.CLOSE, Leg.UNWIND),
        orders_unsettled=len(quote.hedge.unsettled),
        request_in_flight=in_flight.request_id if in_flight is not None else "",
        is_ours=ours,
        is_position=ours and facet.status.is_position,
        is_live=needs_attention(quote, judge),
        owes=tracked.owes(judge.party_b),
        version=quote.version,
        first_position=tracked.first_position,
        last_position=tracked.last_position,
        first_recorded_at_ms=tracked.first_ms,
        last_recorded_at_ms=tracked.last_ms,
        state=state_codec(Quote).encode(quote),
    )


def _close_columns(close: CloseRequest | None) -> dict[str, int | None]:
    if close is None:
        names = ("id", "price", "quantity", "filled", "order_type", "deadline", "requested_at")
        return {f"close_{name}": None for name in names}
    return {
        "close_id": close.close_id,
        "close_price": close.price,
        "close_quantity": close.quantity,
        "close_filled": close.filled,
        "close_order_type": int(close.order_type),
        "close_deadline": close.deadline,
        "close_requested_at": close.requested_at,
    }


def average_price(hedge: Hedge, *legs: Leg, close_id: int | None = None) -> int:
    """Average price (wad, rounded down) of what the legs filled; 0 where they filled nothing."""
    filled = hedge.filled_of(*legs, close_id=close_id)
    return hedge.value_between(0, filled, *legs, close_id=close_id) // filled if filled else 0


def tracked_of(row: QuoteRow) -> Tracked:
    return Tracked(
        quote=state_codec(Quote).decode(row.state),
        first_position=row.first_position,
        first_ms=row.first_recorded_at_ms,
        last_position=row.last_position,
        last_ms=row.last_recorded_at_ms,
        party_a=row.party_a,
        symbol_id=row.symbol_id,
        position_type=PositionType(row.position_type),
        order_type=OrderType(row.order_type),
    )
