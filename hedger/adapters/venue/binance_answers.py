"""Raw answers and stream messages of the Binance USD-M futures API, read into the port's words.

Field names are the exchange's: in REST answers spelt out, in stream messages one letter each.
"""

from collections.abc import Iterator

from hedger.adapters.venue.port import Accepted, Fill, FundingSettled, Income, Margin, OrderReport, SymbolRules
from hedger.adapters.venue.price_board import Book, Mark
from hedger.adapters.venue.reading import Answer, rows
from hedger.domain.terms import Side
from hedger.domain.venue_cash import IncomeKind, VenuePosition

STATUSES = {
    "NEW": "open",
    "PARTIALLY_FILLED": "open",
    "FILLED": "filled",
    "CANCELED": "canceled",
    "EXPIRED": "expired",
    "EXPIRED_IN_MATCH": "expired",
    "REJECTED": "rejected",
    "NEW_INSURANCE": "open",  # orders by which the exchange liquidates
    "NEW_ADL": "open",
}
SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
INCOME_KINDS = {
    "REALIZED_PNL": IncomeKind.REALISED,
    "COMMISSION": IncomeKind.COMMISSION,
    "FUNDING_FEE": IncomeKind.FUNDING,
    "TRANSFER": IncomeKind.TRANSFER,
    "INTERNAL_TRANSFER": IncomeKind.TRANSFER,
    "CROSS_COLLATERAL_TRANSFER": IncomeKind.TRANSFER,
    "COIN_SWAP_DEPOSIT": IncomeKind.TRANSFER,
    "COIN_SWAP_WITHDRAW": IncomeKind.TRANSFER,
    "STRATEGY_UMFUTURES_TRANSFER": IncomeKind.TRANSFER,
}


def accepted(raw: object, symbol: str, client_order_id: str) -> Accepted:
    """The answer to a new order or to a cancel."""
    answer = _own_order("the order", raw, symbol, client_order_id)
    return Accepted(
        client_order_id=client_order_id,
        venue_order_id=answer.identifier("orderId"),
        at_ms=answer.integer("updateTime"),
    )


def report(raw: object, symbol: str, client_order_id: str) -> OrderReport:
    """The answer to a query of one order."""
    answer = _own_order("the order", raw, symbol, client_order_id)
    return OrderReport(
        client_order_id=client_order_id,
        venue_order_id=answer.identifier("orderId"),
        symbol=symbol,
        status=answer.choice("status", STATUSES),
        quantity=answer.amount("origQty"),
        executed_quantity=answer.amount("executedQty"),
        updated_at_ms=answer.integer("updateTime"),
    )


def _own_order(what: str, raw: object, symbol: str, client_order_id: str) -> Answer:
    answer = Answer(what, raw)
    answer.same("clientOrderId", client_order_id)
    answer.same("symbol", symbol)
    return answer


def fills(raw: object, symbol: str) -> list[Fill]:
    """One page of the account's trades of a symbol. They name the exchange's order id alone."""
    return [_fill(answer, symbol) for answer in rows("the trades", raw)]


def _fill(answer: Answer, symbol: str) -> Fill:
    answer.same("symbol", symbol)
    return Fill(
        trade_id=answer.identifier("id"),
        client_order_id="",
        venue_order_id=answer.identifier("orderId"),
        symbol=symbol,
        side=answer.choice("side", SIDES),
        quantity=answer.positive("qty"),
        price=answer.positive("price"),
        fee=answer.wad("commission"),
        fee_asset=answer.text("commissionAsset"),
        traded_at_ms=answer.integer("time"),
    )


def positions(raw: object) -> dict[str, int]:
    """Signed quantity per symbol. In hedge mode there are two positions a symbol: refused, not netted."""
    held: dict[str, int] = {}
    for answer in rows("the positions", raw):
        answer.same("positionSide", "BOTH")
        symbol = answer.text("symbol")
        if symbol in held:
            raise answer.invalid("symbol")
        held[symbol] = answer.wad("positionAmt")
    return held


def holdings(raw: object) -> list[VenuePosition]:
    """The open positions with their valuation."""
    return [
        VenuePosition(
            symbol=answer.text("symbol"),
            quantity=answer.wad("positionAmt"),
            mark=answer.positive("markPrice"),
            unrealised=answer.wad("unRealizedProfit"),
        )
        for answer in rows("the positions", raw)
        if answer.wad("positionAmt")
    ]


def income(raw: object) -> list[Income]:
    """One page of the wallet's movements. A kind that is not known is still a movement."""
    return [_income(answer) for answer in rows("the income", raw)]


def _income(answer: Answer) -> Income:
    name = answer.text("incomeType")
    return Income(
        kind=INCOME_KINDS.get(name, IncomeKind.OTHER),
        name=name,
        symbol=str(answer.get("symbol") or ""),
        amount=answer.wad("income"),
        asset=answer.text("asset"),
        tran_id=answer.identifier("tranId"),
        trade_id=str(answer.get("tradeId") or ""),
        at_ms=answer.integer("time"),
    )


def margin(raw: object, asset: str) -> Margin:
    account = Answer("the account", raw)
    for answer in account.each("assets"):
        if answer.text("asset") == asset:
            wallet, available = answer.wad("walletBalance"), answer.wad("availableBalance")
            return Margin(wallet=wallet, available=available, asset=asset)
    raise account.invalid(f"the asset {asset}")


def rules(raw: object, symbol: str) -> SymbolRules:
    """The order filters of one listing."""
    listing = Answer(f"the rules of {symbol}", raw)
    filters = {answer.text("filterType"): answer for answer in listing.each("filters")}
    missing = {"PRICE_FILTER", "LOT_SIZE", "MARKET_LOT_SIZE", "MIN_NOTIONAL"} - filters.keys()
    if missing:
        raise listing.invalid(", ".join(sorted(missing)))
    lot = filters["LOT_SIZE"]
    return SymbolRules(
        symbol=symbol,
        tick=filters["PRICE_FILTER"].positive("tickSize"),
        step=lot.positive("stepSize"),
        min_quantity=lot.amount("minQty"),
        max_quantity=lot.positive("maxQty"),
        market_max_quantity=filters["MARKET_LOT_SIZE"].positive("maxQty"),
        min_notional=filters["MIN_NOTIONAL"].amount("notional"),
    )


def books(raw: object) -> dict[str, Book]:
    """Best bid and ask of each symbol; a side without orders is 0."""
    return {
        answer.text("symbol"): Book(answer.amount("bidPrice"), answer.amount("askPrice"), answer.integer("time"))
        for answer in rows("the best prices", raw)
    }


def marks(raw: object) -> dict[str, Mark]:
    """Mark price and funding of each perpetual (dated contracts have no funding rate and are left out)."""
    return {
        answer.text("symbol"): Mark(
            answer.positive("markPrice"),
            answer.wad("lastFundingRate"),
            answer.integer("nextFundingTime"),
            answer.integer("time"),
        )
        for answer in rows("the mark prices", raw)
        if answer.get("lastFundingRate") != ""
    }


def funding_rates(raw: object, symbol: str) -> list[FundingSettled]:
    """The rates that were applied to a symbol, oldest first."""
    told = []
    for answer in rows("the funding rates", raw):
        answer.same("symbol", symbol)
        told.append(FundingSettled(symbol=symbol, rate=answer.wad("fundingRate"), at_ms=answer.integer("fundingTime")))
    return sorted(told, key=lambda each: each.at_ms)


def book_update(raw: object) -> tuple[str, Book]:
    """A message of the stream of best prices."""
    answer = Answer("the best price", raw)
    return answer.text("s"), Book(answer.amount("b"), answer.amount("a"), answer.integer("E"))


def mark_update(raw: object) -> tuple[str, Mark]:
    """A message of the stream of mark prices."""
    answer = Answer("the mark price", raw)
    mark = Mark(answer.positive("p"), answer.wad("r"), answer.integer("T"), answer.integer("E"))
    return answer.text("s"), mark


def executions(raw: object) -> Iterator[Fill | OrderReport]:
    """An ORDER_TRADE_UPDATE: its trade if it tells one, then the order after it."""
    order = Answer("the order update", raw).inner("o")
    if order.amount("l"):
        yield _fill_update(order)
    yield OrderReport(
        client_order_id=order.text("c"),
        venue_order_id=order.identifier("i"),
        symbol=order.text("s"),
        status=order.choice("X", STATUSES),
        quantity=order.amount("q"),
        executed_quantity=order.amount("z"),
        updated_at_ms=order.integer("T"),
    )


def _fill_update(order: Answer) -> Fill:
    has_fee = order.has("N")  # an execution without commission names neither amount nor asset
    return Fill(
        trade_id=order.identifier("t"),
        client_order_id=order.text("c"),
        venue_order_id=order.identifier("i"),
        symbol=order.text("s"),
        side=order.choice("S", SIDES),
        quantity=order.positive("l"),
        price=order.positive("L"),
        fee=order.wad("n") if has_fee else 0,
        fee_asset=order.text("N") if has_fee else "",
        traded_at_ms=order.integer("T"),
    )
