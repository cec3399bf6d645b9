"""The whole exchange as JSON, for the oracles of tests: nothing here is rounded or left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devnet.exchange.account import Position
from devnet.exchange.engine import Engine
from devnet.exchange.market import Market
from devnet.exchange.orders import Order
from devnet.exchange.trading import order_fields, trade_fields
from devnet.exchange.user_events import text

if TYPE_CHECKING:
    from devnet.exchange.server import PaperExchange


def dump(exchange: PaperExchange) -> dict[str, object]:
    """Orders, trades, positions, wallet, prices; every client order id ever seen, how often it was asked for and how
    often an order came of it; requests by path; sockets."""
    engine = exchange.engine
    return {
        "ticks": engine.ticks,
        "time_ms": engine.now_ms(),
        "orders": [order_state(order) for order in engine.orders],
        "trades": [
            trade_fields(t) | {"clientOrderId": t.client_order_id} for ts in engine.ledger.trades.values() for t in ts
        ],
        "positions": {name: position_state(p) for name, p in engine.account.positions.items()},
        "account": account_state(engine),
        "prices": {name: price_state(market) for name, market in engine.markets.items()},
        "client_order_ids": {
            name: {"seen": seen, "executed": engine.executed_client_ids[name]}
            for name, seen in exchange.rest.seen_client_ids.items()
        },
        "requests": dict(exchange.rest.requests),
        "sockets": exchange.hub.counts(),
    }


def order_state(order: Order) -> dict[str, object]:
    extra = {"foreign": order.request.foreign, "silent": order.silent, "requestedQty": text(order.request.quantity)}
    return order_fields(order) | extra


def position_state(position: Position) -> dict[str, object]:
    return {
        "quantity": text(position.quantity),
        "cost": text(position.cost),
        "entry_price": text(position.entry_price),
        "realised": text(position.realised),
        "leverage": position.leverage,
    }


def account_state(engine: Engine) -> dict[str, object]:
    account = engine.account
    return {
        "start_balance": text(account.start_balance),
        "wallet": text(account.wallet),
        "unrealised": text(account.unrealised()),
        "available": text(account.available(engine.orders.open())),
        "commission": text(account.total_income("COMMISSION")),
        "realised": text(account.total_income("REALIZED_PNL")),
        "funding": text(account.total_income("FUNDING_FEE")),
        "transfers": text(account.total_income("TRANSFER")),
    }


def price_state(market: Market) -> dict[str, object]:
    price = market.price
    return {"bid": text(price.bid), "mid": text(price.mid), "ask": text(price.ask), "pinned": price.pinned}
