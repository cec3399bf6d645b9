"""Signed REST on orders and trades."""

from __future__ import annotations

from itertools import count
from typing import TypeVar

from devnet.exchange.engine import Engine
from devnet.exchange.errors import VenueError
from devnet.exchange.market_data import within
from devnet.exchange.orders import Order, OrderRequest, OrderType, Side, TimeInForce, Trade
from devnet.exchange.params import Params
from devnet.exchange.user_events import average, text

Row = TypeVar("Row")
WEEK_MS = 7 * 24 * 3600 * 1000


class Trading:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._generated = count(1)

    def create(self, params: Params) -> object:
        order = self._engine.place(self.order_request(params))
        if params.optional("newOrderRespType") == "RESULT":
            return order_fields(order)
        return order_fields(order) | {
            "status": "NEW", "executedQty": "0", "cumQty": "0", "cumQuote": "0", "avgPrice": "0.00"
        }  # fmt: skip

    def order_request(self, params: Params, *, foreign: bool = False) -> OrderRequest:
        """The order a request asks for; refuses combinations the exchange refuses."""
        if (params.optional("positionSide") or "BOTH") != "BOTH":
            raise VenueError(-4061)
        kind = params.choice("type", OrderType, -1116)
        market = kind is OrderType.MARKET
        for unwanted in ("price", "timeInForce") if market else ():
            if unwanted in params:
                raise VenueError(-1106, f"Parameter '{unwanted}' sent when not required.")
        if not market:
            params.text("timeInForce")
        return OrderRequest(
            symbol=params.text("symbol"),
            side=params.choice("side", Side, -1117),
            type=kind,
            quantity=params.decimal("quantity"),
            client_order_id=params.optional("newClientOrderId") or f"paper-{next(self._generated)}",
            price=None if market else params.decimal("price"),
            time_in_force=params.choice("timeInForce", TimeInForce, -1115, TimeInForce.GTC),
            reduce_only=params.flag("reduceOnly"),
            foreign=foreign,
        )

    def query(self, params: Params) -> object:
        return order_fields(self._find(params))

    def query_open(self, params: Params) -> object:
        order = self._find(params)
        if not order.is_open:
            raise VenueError(-2013)
        return order_fields(order)

    def cancel(self, params: Params) -> object:
        symbol, order_id, client_order_id = key(params)
        return order_fields(self._engine.cancel(symbol, order_id, client_order_id))

    def cancel_all(self, params: Params) -> object:
        self._engine.cancel_all(params.text("symbol"))
        return {"code": 200, "msg": "The operation of cancel all open order is done."}

    def amend(self, params: Params) -> object:
        side = params.choice("side", Side, -1117)
        order = self._find(params)
        if order.side is not side:
            raise VenueError(-1117)
        return order_fields(self._engine.amend(order, params.decimal("quantity"), params.decimal("price")))

    def open_orders(self, params: Params) -> object:
        symbol = params.optional("symbol")
        if symbol is not None:
            self._engine.market(symbol)
        return [order_fields(order) for order in self._engine.orders.open(symbol)]

    def all_orders(self, params: Params) -> object:
        """Orders of a symbol in order of id: from an id or a time on, else the latest."""
        symbol = self._engine.market(params.text("symbol")).spec.name
        first, start, end = (params.optional_integer(name) for name in ("orderId", "startTime", "endTime"))
        orders = [
            order
            for order in self._engine.orders
            if order.symbol == symbol and order.order_id >= (first or 0) and within(order.created_ms, start, end)
        ]
        return [order_fields(order) for order in page(orders, params.limit(), first is None and start is None)]

    def user_trades(self, params: Params) -> object:
        """Fills of a symbol in order of id. From an id or a time on (at most a week of them), or of one order;
        else the latest of the last week."""
        symbol = self._engine.market(params.text("symbol")).spec.name
        names = ("fromId", "orderId", "startTime", "endTime")
        from_id, order_id, start, end = (params.optional_integer(name) for name in names)
        if from_id is not None and (start is not None or end is not None):
            raise VenueError(-1128)
        if start is not None and end is not None and end - start > WEEK_MS:
            raise VenueError(-1128)
        if from_id is None:
            end = self._engine.now_ms() if end is None and start is None else end
            start = start if start is not None else (end or 0) - WEEK_MS
            end = start + WEEK_MS if end is None else end
        trades = [
            trade
            for trade in self._engine.ledger.trades[symbol]
            if trade.trade_id >= (from_id or 0)
            and order_id in (None, trade.order_id)
            and within(trade.time_ms, start, end)
        ]
        latest = from_id is None and "startTime" not in params
        return [trade_fields(trade) for trade in page(trades, params.limit(), latest)]

    def _find(self, params: Params) -> Order:
        return self._engine.find(*key(params))


def key(params: Params) -> tuple[str, int | None, str | None]:
    """(symbol, order id, client order id) of a request on one order; one of the two ids must be there."""
    order_id, client_order_id = params.optional_integer("orderId"), params.optional("origClientOrderId")
    if order_id is None and client_order_id is None:
        raise VenueError(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
    return params.text("symbol"), order_id, client_order_id


def page(rows: list[Row], limit: int, latest: bool) -> list[Row]:
    return rows[-limit:] if latest else rows[:limit]


def order_fields(order: Order) -> dict[str, object]:
    return {
        "orderId": order.order_id,
        "symbol": order.symbol,
        "status": order.status.value,
        "clientOrderId": order.client_order_id,
        "price": text(order.price),
        "avgPrice": text(average(order)),
        "origQty": text(order.quantity),
        "executedQty": text(order.executed),
        "cumQty": text(order.executed),
        "cumQuote": text(order.quote_executed),
        "timeInForce": order.request.time_in_force.value,
        "type": order.request.type.value,
        "reduceOnly": order.request.reduce_only,
        "closePosition": False,
        "side": order.side.value,
        "positionSide": "BOTH",
        "stopPrice": "0",
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": order.request.type.value,
        "priceMatch": "NONE",
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "goodTillDate": 0,
        "time": order.created_ms,
        "updateTime": order.updated_ms,
    }


def trade_fields(trade: Trade) -> dict[str, object]:
    return {
        "symbol": trade.symbol,
        "id": trade.trade_id,
        "orderId": trade.order_id,
        "side": trade.side.value,
        "price": text(trade.price),
        "qty": text(trade.quantity),
        "realizedPnl": text(trade.realised),
        "quoteQty": text(trade.price * trade.quantity),
        "commission": text(trade.commission),
        "commissionAsset": "USDT",
        "time": trade.time_ms,
        "positionSide": "BOTH",
        "buyer": trade.side is Side.BUY,
        "maker": trade.maker,
    }
