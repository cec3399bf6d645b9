"""What the exchange refuses before an order is taken: filters, duplicates, margin."""

from __future__ import annotations

import re
from decimal import Decimal

from devnet.exchange.account import Account
from devnet.exchange.errors import VenueError
from devnet.exchange.market import Market
from devnet.exchange.orders import Order, OrderRequest, Orders, OrderType, Side
from devnet.exchange.symbols import SymbolSpec, decimals

CLIENT_ORDER_ID = re.compile(r"^[.A-Z:/a-z0-9_-]+$")
MAX_CLIENT_ORDER_ID = 36
MAX_OPEN_ORDERS = 200
MAX_PRICE = Decimal("4529764")


def check_client_order_id(client_order_id: str, orders: Orders) -> None:
    """Well formed, and not the id of an order that is still open."""
    if len(client_order_id) > MAX_CLIENT_ORDER_ID:
        raise VenueError(-4015)
    if not CLIENT_ORDER_ID.match(client_order_id):
        raise VenueError(-1100, "Illegal characters found in parameter 'newClientOrderId'.")
    if orders.is_client_id_open(client_order_id):
        raise VenueError(-4116)


def check_quantity(spec: SymbolSpec, quantity: Decimal, order_type: OrderType) -> None:
    """LOT_SIZE, or MARKET_LOT_SIZE for market orders."""
    if decimals(quantity) > spec.quantity_decimals:
        raise VenueError(-1111)
    name, most = "LOT_SIZE", spec.max_quantity
    if order_type is OrderType.MARKET:
        name, most = "MARKET_LOT_SIZE", spec.market_max_quantity
    if not spec.min_quantity <= quantity <= most:
        raise VenueError(-1013, f"Filter failure: {name}")
    if quantity % spec.step:
        raise VenueError(-4023)


def check_price(spec: SymbolSpec, price: Decimal) -> None:
    """PRICE_FILTER."""
    if decimals(price) > spec.price_decimals:
        raise VenueError(-1111)
    if not spec.tick <= price <= MAX_PRICE:
        raise VenueError(-1013, "Filter failure: PRICE_FILTER")
    if price % spec.tick:
        raise VenueError(-4014)


def check_notional(market: Market, request: OrderRequest) -> None:
    """MIN_NOTIONAL, at the limit price or the mark; a reduce-only order is free of it."""
    if request.reduce_only:
        return
    price = market.price.mark if request.price is None else request.price
    if price * request.quantity < market.spec.min_notional:
        minimum = format(market.spec.min_notional, "f")
        raise VenueError(-4164, f"Order's notional must be no smaller than {minimum} (unless you choose reduce only).")


def reducible(account: Account, symbol: str, side: Side) -> Decimal:
    """How much of the position an order of this side could close; 0 if none."""
    held = account.positions[symbol].quantity
    return abs(held) if held * side.sign < 0 else Decimal(0)


def check_margin(account: Account, market: Market, open_orders: list[Order], candidate: Order) -> None:
    """The account must bear the initial margin with the candidate on the book, unless that adds nothing to it."""
    if candidate.request.reduce_only:
        return
    before, after = account.initial_margin(open_orders), account.initial_margin([*open_orders, candidate])
    if after <= before:
        return
    if after > account.margin_balance():
        raise VenueError(-2019)
    position = account.positions[candidate.symbol]
    reached = abs(position.quantity + candidate.side.sign * candidate.remaining) * market.price.mark
    if reached > market.spec.notional_cap(position.leverage):
        raise VenueError(-2027)


def check_new_order(market: Market, request: OrderRequest, orders: Orders, account: Account) -> None:
    """Everything that can be judged before the order exists."""
    check_client_order_id(request.client_order_id, orders)
    check_quantity(market.spec, request.quantity, request.type)
    if request.price is not None:
        check_price(market.spec, request.price)
    check_notional(market, request)
    if len(orders.open(request.symbol)) >= MAX_OPEN_ORDERS:
        raise VenueError(-2025)
    if request.reduce_only and not reducible(account, request.symbol, request.side):
        raise VenueError(-2022)
