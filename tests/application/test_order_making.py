"""What the order maker tells of fills."""

from hedger.adapters.venue.port import Fill
from hedger.application.order_making import fill_fact
from hedger.domain.money import WAD
from hedger.domain.terms import Side


def _fill(symbol: str, trade_id: str) -> Fill:
    return Fill(
        trade_id=trade_id,
        client_order_id="a-1-o1",
        venue_order_id="9",
        symbol=symbol,
        side=Side.BUY,
        quantity=WAD,
        price=WAD,
        fee=0,
        fee_asset="USDT",
        traded_at_ms=1,
    )


def test_trades_of_two_symbols_with_one_number_are_two_facts() -> None:
    btc, eth = (fill_fact("exchange", "a-1-o1", _fill(symbol, "1")) for symbol in ("BTCUSDT", "ETHUSDT"))
    assert btc.fact_id != eth.fact_id


def test_a_trade_told_twice_is_one_fact() -> None:
    first, again = (fill_fact("exchange", "a-1-o1", _fill("BTCUSDT", "7")) for _ in range(2))
    assert first.fact_id == again.fact_id
