"""Raw answers are read exactly, or refused by the name of the field."""

from typing import Any

import pytest

from hedger.adapters.venue import binance_answers as answers
from hedger.adapters.venue.port import Fill, OrderReport, VenueAnswerInvalid
from hedger.domain.money import from_text
from hedger.domain.terms import Side

ORDER = {
    "symbol": "BTCUSDT",
    "clientOrderId": "c-1",
    "orderId": 7,
    "status": "PARTIALLY_FILLED",
    "origQty": "0.100",
    "executedQty": "0.040",
    "updateTime": 1_700_000_000_001,
}
TRADE = {
    "symbol": "BTCUSDT",
    "id": 11,
    "orderId": 7,
    "side": "SELL",
    "qty": "0.040",
    "price": "60000.10",
    "commission": "0.96000160",
    "commissionAsset": "USDT",
    "time": 1_700_000_000_001,
}
UPDATE = {
    "s": "BTCUSDT",
    "c": "c-1",
    "S": "BUY",
    "q": "0.1",
    "x": "TRADE",
    "X": "FILLED",
    "i": 7,
    "l": "0.04",
    "z": "0.1",
    "L": "60000.1",
    "N": "USDT",
    "n": "0.96",
    "T": 1_700_000_000_001,
    "t": 11,
}
FILTERS = [
    {"filterType": "PRICE_FILTER", "tickSize": "0.10", "minPrice": "1", "maxPrice": "9"},
    {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "1000"},
    {"filterType": "MARKET_LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "120"},
    {"filterType": "MIN_NOTIONAL", "notional": "100"},
]
WRONG: list[tuple[str, Any]] = [
    ("clientOrderId", "another"),
    ("symbol", "ETHUSDT"),
    ("orderId", None),
    ("orderId", True),
    ("status", "DANCING"),
    ("status", None),
    ("origQty", 0.1),
    ("origQty", "ten"),
    ("origQty", "NaN"),
    ("origQty", "-1"),
    ("origQty", "0.1000000000000000001"),
    ("executedQty", None),
    ("updateTime", "soon"),
    ("updateTime", 1.5),
    ("updateTime", -1),
]


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_a_wrong_field_of_an_order_is_named(field: str, value: object) -> None:
    with pytest.raises(VenueAnswerInvalid) as caught:
        answers.report({**ORDER, field: value}, "BTCUSDT", "c-1")
    assert caught.value.field == field
    assert field in str(caught.value)


@pytest.mark.parametrize("field", ["id", "orderId", "side", "qty", "price", "commission", "commissionAsset", "time"])
def test_a_missing_field_of_a_trade_is_named(field: str) -> None:
    with pytest.raises(VenueAnswerInvalid) as caught:
        answers.fills([TRADE, {name: value for name, value in TRADE.items() if name != field}], "BTCUSDT")
    assert caught.value.field == field


def test_a_trade_is_read_to_the_last_digit() -> None:
    assert answers.fills([TRADE], "BTCUSDT") == [
        Fill(
            trade_id="11",
            client_order_id="",
            venue_order_id="7",
            symbol="BTCUSDT",
            side=Side.SELL,
            quantity=from_text("0.04"),
            price=from_text("60000.1"),
            fee=from_text("0.9600016"),
            fee_asset="USDT",
            traded_at_ms=1_700_000_000_001,
        )
    ]


@pytest.mark.parametrize("raw", [None, "text", {}, 7])
def test_an_answer_that_is_no_list_is_refused(raw: object) -> None:
    with pytest.raises(VenueAnswerInvalid):
        answers.fills(raw, "BTCUSDT")
    with pytest.raises(VenueAnswerInvalid):
        answers.positions(raw)


def test_the_fill_of_an_update_comes_before_its_order() -> None:
    fill, report = answers.executions({"e": "ORDER_TRADE_UPDATE", "o": UPDATE})
    assert isinstance(fill, Fill)
    assert isinstance(report, OrderReport)
    assert (fill.trade_id, fill.quantity, fill.client_order_id) == ("11", from_text("0.04"), "c-1")
    assert (report.status, report.executed_quantity, report.is_final) == ("filled", from_text("0.1"), True)


def test_an_update_without_a_trade_is_an_order_alone() -> None:
    (report,) = answers.executions({"o": {**UPDATE, "x": "NEW", "X": "NEW", "l": "0", "t": 0, "z": "0"}})
    assert isinstance(report, OrderReport)
    assert report.status == "open"


def test_a_trade_without_commission_has_no_fee() -> None:
    update = {name: value for name, value in UPDATE.items() if name not in ("n", "N")}
    fill, _ = answers.executions({"o": update})
    assert isinstance(fill, Fill)
    assert (fill.fee, fill.fee_asset) == (0, "")


def test_a_rebate_is_a_negative_fee() -> None:
    (fill,) = answers.fills([{**TRADE, "commission": "-0.5"}], "BTCUSDT")
    assert fill.fee == -from_text("0.5")


@pytest.mark.parametrize(
    ("told", "meaning"),
    [
        ("NEW", "open"),
        ("CANCELED", "canceled"),
        ("EXPIRED", "expired"),
        ("EXPIRED_IN_MATCH", "expired"),
        ("REJECTED", "rejected"),
    ],
)
def test_every_status_has_its_word(told: str, meaning: str) -> None:
    assert answers.report({**ORDER, "status": told}, "BTCUSDT", "c-1").status == meaning


def test_two_positions_of_a_symbol_are_refused_not_netted() -> None:
    long = {"symbol": "BTCUSDT", "positionSide": "LONG", "positionAmt": "1"}
    with pytest.raises(VenueAnswerInvalid):
        answers.positions([long])
    with pytest.raises(VenueAnswerInvalid):
        answers.positions([{**long, "positionSide": "BOTH"}] * 2)


@pytest.mark.parametrize("kind", ["PRICE_FILTER", "LOT_SIZE", "MARKET_LOT_SIZE", "MIN_NOTIONAL"])
def test_a_listing_without_one_of_its_filters_is_refused(kind: str) -> None:
    with pytest.raises(VenueAnswerInvalid, match=kind):
        answers.rules({"filters": [one for one in FILTERS if one["filterType"] != kind]}, "BTCUSDT")


def test_a_step_of_zero_is_refused() -> None:
    with pytest.raises(VenueAnswerInvalid, match="stepSize"):
        answers.rules({"filters": [{**one, "stepSize": "0"} for one in FILTERS]}, "BTCUSDT")


def test_margin_of_an_asset_the_account_does_not_have_is_refused() -> None:
    account = {"assets": [{"asset": "BNB", "walletBalance": "1", "availableBalance": "1"}]}
    with pytest.raises(VenueAnswerInvalid, match="USDT"):
        answers.margin(account, "USDT")
