"""The residual book: given its orders and what quotes leave, when it is looked at, then what it asks for."""

import msgspec
from hypothesis import given as for_all
from hypothesis import strategies as st

from hedger.domain.events import Event
from hedger.domain.policies.inputs import MarketView, SymbolTerms, VenueLimits
from hedger.domain.policies.policy import Policy, SymbolPolicy
from hedger.domain.policies.residual import decide_residual
from hedger.domain.policies.residual_inputs import ResidualInputs
from hedger.domain.quote import events
from hedger.domain.request_ids import quote_of_order, residual_order_id, symbol_of_order
from hedger.domain.residual import ResidualBook, ResidualDecided
from hedger.domain.terms import HedgingMode, Leg, Side, TradingState
from tests.domain.given import NOW, SYMBOL, TAG, US, wad

STEP = wad("0.001")
# At a mark of 100 the venue takes 0.05 at the least: 5 of notional.
LIMITS = VenueLimits(tick=wad("0.1"), step=STEP, min_quantity=STEP, max_quantity=wad("100"), min_notional=wad("5"))


def policy(mode: HedgingMode = HedgingMode.PER_QUOTE, band: str = "0") -> Policy:
    symbols = {SYMBOL.name: SymbolPolicy(hedging=mode, net_band=wad(band))}
    return Policy(version="v", party_b=US, tag=TAG, symbols=symbols)


def sees(
    residual: str, *, account: str = "0", state: TradingState = TradingState.ACTIVE, at: int = NOW
) -> ResidualInputs:
    return ResidualInputs(
        block_timestamp=at,
        venue_time_ms=at * 1000,
        trading_state=state,
        symbol=SYMBOL,
        residual=wad(residual),
        account_hedge=wad(account),
        limits=LIMITS,
        market=MarketView(bid=wad("99.9"), ask=wad("100.1"), mark=wad("100"), funding_rate=0, at_ms=at * 1000),
    )


def book(*held: Event) -> ResidualBook:
    made = ResidualBook.new(1, "0xd", US, SYMBOL.symbol_id)
    made.advance(held)
    return made


def traded(quantity: str, side: Side, attempt: int = 1, *, of: str | None = None) -> list[Event]:
    """An order of the book that ended filled in `of`, by default whole."""
    order_id = residual_order_id(TAG, SYMBOL.symbol_id, attempt)
    filled = wad(of if of is not None else quantity)
    asked = decide_residual(book(), sees("1"), policy())[1]
    assert isinstance(asked, events.OrderRequested)
    told: list[Event] = [msgspec.structs.replace(asked, client_order_id=order_id, side=side, quantity=wad(quantity))]
    if filled:
        told.append(
            events.OrderFilled(
                venue="v", trade_id=str(attempt), client_order_id=order_id, quantity=filled, price=wad("100"),
                fee=0, fee_asset="USDT", traded_at_ms=0,
            )
        )  # fmt: skip
    told.append(
        events.OrderEnded(
            client_order_id=order_id, venue_order_id="1", status="filled", executed_quantity=filled, at_ms=0
        )
    )
    return told


def asked(events_: list[Event]) -> events.OrderRequested:
    reason, order = events_
    assert isinstance(reason, ResidualDecided)
    assert isinstance(order, events.OrderRequested)
    return order


def test_a_residual_below_what_the_venue_takes_waits() -> None:
    assert decide_residual(book(), sees("0.049"), policy()) == []


def test_a_residual_that_passes_the_venues_minimum_is_hedged_in_whole_steps() -> None:
    order = asked(decide_residual(book(), sees("0.0507"), policy()))
    assert (order.side, order.quantity, order.leg, order.reduce_only) == (Side.BUY, wad("0.05"), Leg.REHEDGE, False)
    assert order.client_order_id == f"{TAG}-s{SYMBOL.symbol_id}-1"


def test_a_short_residual_is_sold() -> None:
    assert asked(decide_residual(book(), sees("-0.06"), policy())).side is Side.SELL


def test_what_offsets_an_open_position_of_the_account_is_reduce_only() -> None:
    assert asked(decide_residual(book(), sees("-0.06", account="2"), policy())).reduce_only


def test_nothing_is_asked_while_an_order_of_the_book_is_under_way() -> None:
    held = book(decide_residual(book(), sees("1"), policy())[1])
    assert decide_residual(held, sees("2"), policy()) == []


def test_between_the_bounds_what_the_book_holds_stays() -> None:
    held = book(*traded("0.06", Side.BUY))
    assert decide_residual(held, sees("0.03"), policy()) == []


def test_inside_the_nearer_bound_the_hedge_is_taken_back() -> None:
    held = book(*traded("0.06", Side.BUY))
    order = asked(decide_residual(held, sees("0.02", account="0.06"), policy()))
    assert (order.side, order.quantity, order.leg) == (Side.SELL, wad("0.06"), Leg.UNWIND)


def test_a_residual_that_changes_sides_is_followed_by_one_order() -> None:
    held = book(*traded("0.06", Side.BUY))
    order = asked(decide_residual(held, sees("-0.06", account="0.06"), policy()))
    assert (order.side, order.quantity) == (Side.SELL, wad("0.12"))


def test_a_netted_symbol_leaves_its_band_unhedged() -> None:
    netted = policy(HedgingMode.NETTED, band="50")
    assert decide_residual(book(), sees("0.4"), netted) == []
    assert asked(decide_residual(book(), sees("0.5"), netted)).quantity == wad("0.5")


def test_a_symbol_that_is_not_hedged_sheds_what_the_book_holds() -> None:
    unhedged = policy(HedgingMode.NONE)
    assert decide_residual(book(), sees("3"), unhedged) == []
    held = book(*traded("0.06", Side.BUY))
    assert asked(decide_residual(held, sees("3", account="0.06"), unhedged)).quantity == wad("0.06")


def test_halted_nothing_is_traded() -> None:
    assert decide_residual(book(), sees("1", state=TradingState.HALTED), policy()) == []


def test_orders_that_fill_nothing_are_asked_again_with_patience() -> None:
    failed = book(*traded("0.06", Side.BUY, of="0"))
    assert decide_residual(failed, sees("0.06", at=NOW), policy()) == []
    assert decide_residual(failed, sees("0.06", at=NOW + 1), policy())


def test_order_ids_of_the_book_name_its_symbol_and_no_quote() -> None:
    order_id = residual_order_id(TAG, 12, 3)
    assert (symbol_of_order(TAG, order_id), quote_of_order(TAG, order_id)) == (12, None)
    assert symbol_of_order("other", order_id) is None
    assert symbol_of_order(TAG, f"{TAG}-7-o1") is None


@for_all(st.lists(st.integers(-300, 300), min_size=1, max_size=30))
def test_whatever_quotes_leave_no_more_than_the_bound_stays_unhedged(path: list[int]) -> None:
    held, account = book(), 0
    for place, thousandths in enumerate(path):
        residual = thousandths * STEP
        for _ in range(3):
            inputs = msgspec.structs.replace(sees("0", at=NOW + place * 60), residual=residual, account_hedge=account)
            decided = decide_residual(held, inputs, policy())
            if not decided:
                break
            order = asked(decided)
            signed = order.quantity if order.side is Side.BUY else -order.quantity
            account += signed
            held.advance(decided)
            held.advance(_filled(order))
        assert abs(residual - held.held) < wad("0.05")
        assert decide_residual(held, inputs, policy()) == []


def _filled(order: events.OrderRequested) -> list[Event]:
    return [
        events.OrderFilled(
            venue="v", trade_id=order.client_order_id, client_order_id=order.client_order_id,
            quantity=order.quantity, price=wad("100"), fee=0, fee_asset="USDT", traded_at_ms=0,
        ),
        events.OrderEnded(
            client_order_id=order.client_order_id, venue_order_id="1", status="filled",
            executed_quantity=order.quantity, at_ms=0,
        ),
    ]  # fmt: skip


def test_terms_of_another_symbol_than_the_policys_ask_for_nothing() -> None:
    stranger = msgspec.structs.replace(sees("1"), symbol=SymbolTerms(**{**msgspec.structs.asdict(SYMBOL), "name": "X"}))
    assert decide_residual(book(), stranger, policy()) == []
