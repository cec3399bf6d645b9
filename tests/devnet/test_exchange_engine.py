"""The matching itself: exact books, whatever is traded; the same seed and calls, the same world."""

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devnet.exchange.account import Position
from devnet.exchange.checks import reducible
from devnet.exchange.clock import ManualClock
from devnet.exchange.engine import FUNDING_INTERVAL_MS, Engine
from devnet.exchange.errors import VenueError
from devnet.exchange.orders import OrderRequest, OrderType, Side, Status, TimeInForce
from devnet.exchange.symbols import BTCUSDT, SOLUSDT

START = Decimal(200_000)

Step = Callable[[Engine, str], object]


def new_engine(clock: ManualClock | None = None, seed: int = 3) -> Engine:
    return Engine([BTCUSDT, SOLUSDT], seed=seed, now_ms=(clock or ManualClock()).now_ms, balance=START)


def order(
    symbol: str, side: Side, quantity: str, price: str | None = None, *, client_order_id: str = "c", **terms: object
) -> OrderRequest:
    kind = OrderType.MARKET if price is None else OrderType.LIMIT
    limit = None if price is None else Decimal(price)
    return OrderRequest(symbol, side, kind, Decimal(quantity), client_order_id, limit, **terms)  # type: ignore[arg-type]


def place(side: Side, steps: int, offset: int | None, terms: TimeInForce, reduce_only: bool) -> Step:
    def act(engine: Engine, client_order_id: str) -> object:
        spec, price = SOLUSDT, engine.markets["SOLUSDT"].price
        limit = None if offset is None else str(price.mid + offset * spec.tick)
        terms_used = TimeInForce.GTC if offset is None else terms
        return engine.place(
            order(
                spec.name, side, str(steps * spec.step), limit,
                client_order_id=client_order_id, time_in_force=terms_used, reduce_only=reduce_only,
            )
        )  # fmt: skip

    return act


def jump(ticks: int) -> Step:
    def act(engine: Engine, _: str) -> object:
        price = engine.markets["SOLUSDT"].price
        price.set_mid(price.mid + ticks * SOLUSDT.tick, engine.now_ms())
        engine.match_resting("SOLUSDT")
        return price.mid

    return act


steps = st.one_of(
    st.builds(
        place,
        st.sampled_from(Side),
        st.integers(1, 3000),
        st.none() | st.integers(-6, 6),
        st.sampled_from(TimeInForce),
        st.booleans(),
    ),
    st.builds(jump, st.integers(-20, 20)),
    st.just(lambda engine, _: engine.tick()),
    st.just(lambda engine, _: engine.cancel_all("SOLUSDT")),
    st.just(lambda engine, _: engine.ledger.settle_funding(engine.markets["SOLUSDT"])),
    st.just(lambda engine, _: engine.ledger.deposit(Decimal("12.5"))),
)


def run(engine: Engine, script: list[Step], after_each: Callable[[Engine], None] = lambda engine: None) -> None:
    """Every step of the script, those that are refused included."""
    for number, step in enumerate(script):
        with suppress(VenueError):
            step(engine, f"c-{number}")
        after_each(engine)


def check_books(engine: Engine) -> None:
    """The oracle: everything follows from the list of trades and the wallet's own movements."""
    trades = engine.ledger.trades["SOLUSDT"]
    position = engine.account.positions["SOLUSDT"]
    assert position.quantity == sum(t.side.sign * t.quantity for t in trades)
    cash = -sum(t.side.sign * t.quantity * t.price for t in trades)
    assert sum(t.realised for t in trades) - position.cost == cash
    assert position.realised == sum(t.realised for t in trades)
    moved = engine.account.total_income("FUNDING_FEE") + engine.account.total_income("TRANSFER")
    fees = sum(t.commission for t in trades)
    assert engine.account.wallet == START + position.realised - fees + moved
    assert [t.trade_id for t in trades] == list(range(1, len(trades) + 1))
    for each in engine.orders:
        fills = [t for t in trades if t.order_id == each.order_id]
        assert each.executed == sum(t.quantity for t in fills)
        assert each.executed <= each.quantity
        assert each.quote_executed == sum(t.quantity * t.price for t in fills)
        assert all(each.accepts(t.price) for t in fills)
        assert (each.status is Status.FILLED) == (each.remaining == 0)
        if each.is_open and each.request.reduce_only:
            assert reducible(engine.account, each.symbol, each.side)


@settings(max_examples=60, deadline=None)
@given(st.lists(steps, max_size=40), st.none() | st.integers(1, 3))
def test_position_is_the_sum_of_fills_and_balance_is_start_plus_realised_less_fees_always(
    script: list[Step], levels: int | None
) -> None:
    engine = new_engine()
    engine.markets["SOLUSDT"].fills.levels = levels
    run(engine, script, after_each=check_books)


@settings(max_examples=25, deadline=None)
@given(st.lists(steps, max_size=40))
def test_the_same_seed_and_the_same_calls_give_the_same_world(script: list[Step]) -> None:
    worlds = []
    for _ in range(2):
        engine, events = new_engine(), list[dict[str, object]]()
        engine.ledger.listeners.append(events.append)
        run(engine, script)
        worlds.append((events, list(engine.ledger.trades["SOLUSDT"]), engine.account.wallet))
    assert worlds[0] == worlds[1]


def test_another_seed_walks_another_path_within_its_bounds() -> None:
    paths = []
    for seed in (1, 2):
        engine = new_engine(seed=seed)
        path = []
        for _ in range(50):
            engine.tick()
            path.append(engine.markets["BTCUSDT"].price.mid)
        paths.append(path)
        moves = [abs(after - before) for before, after in pairwise(path)]
        assert max(moves) <= BTCUSDT.walk_ticks * BTCUSDT.tick
    assert paths[0] != paths[1]


def test_the_walk_does_not_depend_on_what_is_traded_or_pinned() -> None:
    quiet, busy = new_engine(), new_engine()
    busy.markets["BTCUSDT"].price.pinned = True
    for number in range(20):
        busy.place(order("SOLUSDT", Side.BUY, "1", client_order_id=f"c-{number}"))
        quiet.tick()
        busy.tick()
    assert quiet.markets["SOLUSDT"].price.mid == busy.markets["SOLUSDT"].price.mid
    assert busy.markets["BTCUSDT"].price.mid == BTCUSDT.start_price


def test_the_parts_a_touched_order_fills_by_do_not_depend_on_other_orders() -> None:
    fills = []
    for crowd in (False, True):
        engine = new_engine()
        price = engine.markets["SOLUSDT"].price
        price.pinned = True
        engine.place(order("SOLUSDT", Side.BUY, "40", str(price.bid), client_order_id="mine"))
        if crowd:
            engine.place(order("SOLUSDT", Side.SELL, "50", str(price.ask), client_order_id="other"))
        for _ in range(10):
            engine.tick()
        fills.append([t.quantity for t in engine.ledger.trades["SOLUSDT"] if t.client_order_id == "mine"])
    assert fills[0] == fills[1]
    assert len(fills[0]) > 1


def test_a_sale_through_zero_closes_the_long_and_opens_a_short() -> None:
    position = Position()
    assert position.trade(Side.BUY, Decimal(3), Decimal(100)) == 0
    assert position.trade(Side.BUY, Decimal(1), Decimal(104)) == 0
    assert position.entry_price == 101
    assert position.trade(Side.SELL, Decimal(6), Decimal(110)) == 36
    assert [position.quantity, position.entry_price, position.cost] == [-2, 110, -220]
    assert position.trade(Side.BUY, Decimal(1), Decimal(100)) == 10
    assert position.unrealised(Decimal(100)) == 10


def test_a_post_only_order_amended_across_the_market_is_cancelled() -> None:
    engine = new_engine()
    resting = engine.place(order("SOLUSDT", Side.BUY, "1", "140", time_in_force=TimeInForce.GTX))
    assert engine.amend(resting, Decimal(1), Decimal(160)).status is Status.CANCELED


def test_an_amendment_to_what_is_already_executed_cancels_the_rest() -> None:
    engine = new_engine()
    engine.markets["SOLUSDT"].fills.partial_then_silent.append(Decimal("0.5"))
    resting = engine.place(order("SOLUSDT", Side.BUY, "2", "140"))
    assert resting.executed == 1
    assert engine.amend(resting, Decimal(1), Decimal(139)).status is Status.CANCELED
    assert engine.account.positions["SOLUSDT"].quantity == 1


def test_a_fill_or_kill_order_that_can_be_filled_is_filled_whole() -> None:
    engine = new_engine()
    filled = engine.place(order("SOLUSDT", Side.BUY, "5", "151", time_in_force=TimeInForce.FOK))
    assert (filled.status, filled.average_price) == (Status.FILLED, Decimal("150.01"))


def test_the_number_of_open_orders_is_bounded() -> None:
    engine = new_engine()
    for number in range(200):
        engine.place(order("SOLUSDT", Side.BUY, "1", "100", client_order_id=f"c-{number}"))
    with pytest.raises(VenueError, match="-2025"):
        engine.place(order("SOLUSDT", Side.BUY, "1", "100", client_order_id="one-too-many"))


def test_funding_falls_due_every_eight_hours() -> None:
    clock = ManualClock()
    engine = new_engine(clock)
    engine.place(order("SOLUSDT", Side.SELL, "10"))
    due = engine.next_funding_ms
    clock.advance(due - clock.now_ms() - 1)
    engine.tick()
    assert engine.account.total_income("FUNDING_FEE") == 0
    clock.advance(1)
    engine.tick()
    assert engine.account.total_income("FUNDING_FEE") > 0
    assert engine.next_funding_ms == due + FUNDING_INTERVAL_MS


def test_funding_may_be_paid_at_another_pace_and_is_remembered_by_when_it_was_due() -> None:
    clock = ManualClock()
    engine = new_engine(clock)
    engine.pay_funding_every(30_000)
    due = engine.next_funding_ms
    assert clock.now_ms() < due <= clock.now_ms() + 30_000
    clock.advance(due - clock.now_ms() + 70)
    engine.tick()
    assert {paid.due_ms for paid in engine.funding_history} == {due}
    assert {paid.symbol for paid in engine.funding_history} == set(engine.markets)
    assert engine.next_funding_ms == due + 30_000


def test_candles_split_at_the_minute() -> None:
    clock = ManualClock(60_000 * 1000)
    engine = new_engine(clock)
    for _ in range(3):
        engine.tick()
        clock.advance(30_000)
    candles = list(engine.markets["SOLUSDT"].price.candles)
    assert [candle.open_ms for candle in candles] == [60_000 * 1000, 60_000 * 1001]
    assert all(candle.low <= candle.close <= candle.high for candle in candles)


def test_at_the_liquidation_price_maintenance_uses_up_the_margin_balance() -> None:
    engine = Engine([SOLUSDT], seed=1, now_ms=ManualClock().now_ms, balance=Decimal(1000))
    engine.place(order("SOLUSDT", Side.BUY, "60"))
    price = engine.account.liquidation_price("SOLUSDT")
    engine.markets["SOLUSDT"].price.set_mid(price, 0)
    missing = engine.account.margin_balance() - engine.account.maintenance_margin("SOLUSDT")
    assert abs(missing) <= SOLUSDT.tick * 60
