"""Matching: orders against the seeded price. What comes of it is booked by the ledger.

Nothing here waits or reads a clock of its own: each method runs to its end, so what the engine does depends on
its seed and on the order of calls alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from devnet.exchange.account import Account
from devnet.exchange.checks import check_margin, check_new_order, check_notional, check_price, check_quantity, reducible
from devnet.exchange.errors import VenueError
from devnet.exchange.ledger import Ledger
from devnet.exchange.market import Market
from devnet.exchange.orders import Order, OrderRequest, Orders, OrderType, Side, Status, TimeInForce
from devnet.exchange.symbols import DEFAULT_SYMBOLS, SymbolSpec

FUNDING_INTERVAL_MS = 8 * 3600 * 1000


@dataclass(frozen=True)
class FundingPaid:
    """One settlement that was due, as the exchange tells of it for ever."""

    symbol: str
    rate: Decimal
    mark: Decimal
    due_ms: int


class Engine:
    """The exchange without its network: markets, orders, one account. Every refusal is a VenueError."""

    def __init__(
        self,
        symbols: Sequence[SymbolSpec] = DEFAULT_SYMBOLS,
        *,
        seed: int,
        now_ms: Callable[[], int],
        balance: Decimal = Decimal(1_000_000),
    ) -> None:
        self.now_ms = now_ms
        self.funding_interval_ms = FUNDING_INTERVAL_MS
        self.funding_history: list[FundingPaid] = []
        self.markets = {spec.name: Market(spec, seed, now_ms()) for spec in symbols}
        specs = {spec.name: spec for spec in symbols}
        self.account = Account(balance, specs, mark_of=lambda name: self.markets[name].price.mark)
        self.orders = Orders()
        self.ledger = Ledger(self.account, self.orders, now_ms)
        self.executed_client_ids: Counter[str] = Counter()
        self.ticks = 0
        self.next_funding_ms = self._next_funding(now_ms())

    def market(self, symbol: str) -> Market:
        if symbol not in self.markets:
            raise VenueError(-1121)
        return self.markets[symbol]

    def find(self, symbol: str, order_id: int | None, client_order_id: str | None) -> Order:
        """The order, or -2013; with a client id used several times, the latest."""
        self.market(symbol)
        order = self.orders.find(symbol, order_id, client_order_id)
        if order is None:
            raise VenueError(-2013)
        return order

    # orders

    def place(self, request: OrderRequest) -> Order:
        """Take an order and match it at once; raises VenueError when it is refused, leaving no trace."""
        market = self.market(request.symbol)
        check_new_order(market, request, self.orders, self.account)
        order = self._order_of(market, request)
        check_margin(self.account, market, self.orders.open(), order)
        self._check_time_in_force(market, order)
        self.orders.add(order)
        self.executed_client_ids[request.client_order_id] += 1
        self.ledger.tell_order(order, "NEW")
        self._match_arrival(market, order)
        return order

    def _order_of(self, market: Market, request: OrderRequest) -> Order:
        quantity = request.quantity
        if request.reduce_only:
            quantity = min(quantity, reducible(self.account, request.symbol, request.side))
        now = self.now_ms()
        price = Decimal(0) if request.price is None else request.price
        return Order(self.orders.next_id(), request, quantity, price, now, now)

    def _check_time_in_force(self, market: Market, order: Order) -> None:
        terms = order.request.time_in_force
        if terms is TimeInForce.GTX and order.accepts(market.price.opposite_best(order.side)):
            raise VenueError(-5022)
        if terms is TimeInForce.FOK:
            at_once = sum((quantity for _, quantity in market.takings(order)), Decimal(0))
            if market.fills.paused or at_once < order.quantity:
                raise VenueError(-5021)

    def _match_arrival(self, market: Market, order: Order) -> None:
        rests = not order.is_market and order.request.time_in_force in (TimeInForce.GTC, TimeInForce.GTX)
        if rests and market.fills.partial_then_silent:
            fraction = market.fills.partial_then_silent.popleft()
            self.ledger.fill(market, order, market.part_of(order, fraction), order.price, maker=True)
            order.silent = True
            return
        if market.fills.paused and (rests or order.is_market):
            return
        if not market.fills.paused:
            self._take(market, order)
        if order.is_open and not rests:
            self.ledger.end(order, Status.EXPIRED, "EXPIRED")

    def _take(self, market: Market, order: Order) -> None:
        for price, quantity in list(market.takings(order)):
            if order.is_open:
                self.ledger.fill(market, order, quantity, price, maker=False)

    def cancel(self, symbol: str, order_id: int | None = None, client_order_id: str | None = None) -> Order:
        """Cancel an open order; -2011 for one that is unknown or has ended."""
        self.market(symbol)
        order = self.orders.find(symbol, order_id, client_order_id)
        if order is None or not order.is_open:
            raise VenueError(-2011)
        self.ledger.end(order, Status.CANCELED, "CANCELED")
        return order

    def cancel_all(self, symbol: str) -> list[Order]:
        self.market(symbol)
        return [self.cancel(symbol, order.order_id) for order in self.orders.open(symbol)]

    def amend(self, order: Order, quantity: Decimal, price: Decimal) -> Order:
        """Change quantity and price of an open limit order; a quantity already executed cancels the rest."""
        market, wanted = self.market(order.symbol), replace(order.request, quantity=quantity, price=price)
        self._check_amendment(market, order, wanted, price)
        if quantity <= order.executed:
            return self.ledger.end(order, Status.CANCELED, "CANCELED")
        return self._apply_amendment(market, order, wanted, price)

    def _check_amendment(self, market: Market, order: Order, wanted: OrderRequest, price: Decimal) -> None:
        if not order.is_open:
            raise VenueError(-2013)
        if order.request.type is not OrderType.LIMIT:
            raise VenueError(-5025)
        if (order.quantity, order.price) == (wanted.quantity, price):
            raise VenueError(-5027)
        check_quantity(market.spec, wanted.quantity, OrderType.LIMIT)
        check_price(market.spec, price)
        check_notional(market, wanted)
        if wanted.quantity > order.quantity:
            candidate = replace(order, request=wanted, quantity=wanted.quantity, price=price)
            others = [other for other in self.orders.open() if other is not order]
            check_margin(self.account, market, others, candidate)

    def _apply_amendment(self, market: Market, order: Order, wanted: OrderRequest, price: Decimal) -> Order:
        quantity = wanted.quantity
        if wanted.reduce_only:
            quantity = min(quantity, order.executed + reducible(self.account, order.symbol, order.side))
        order.request, order.quantity, order.price = wanted, quantity, price
        order.updated_ms = self.now_ms()
        crosses = order.accepts(market.price.opposite_best(order.side))
        if crosses and wanted.time_in_force is TimeInForce.GTX:
            return self.ledger.end(order, Status.CANCELED, "CANCELED")
        self.ledger.tell_order(order, "AMENDMENT")
        if crosses and not market.fills.paused and not order.silent:
            self._take(market, order)
        return order

    # time

    def tick(self) -> None:
        """One tick of time: prices move, resting orders fill, funding is paid when due."""
        self.ticks += 1
        now = self.now_ms()
        for market in self.markets.values():
            market.price.step(now)
        self.match_resting()
        if now >= self.next_funding_ms:
            self.pay_funding()

    def pay_funding(self) -> None:
        """The settlement that is due next, of every symbol."""
        for market in self.markets.values():
            self.ledger.settle_funding(market)
            paid = FundingPaid(market.spec.name, market.funding_rate, market.price.mark, self.next_funding_ms)
            self.funding_history.append(paid)
        self.next_funding_ms = self._next_funding(max(self.now_ms(), self.next_funding_ms))

    def pay_funding_every(self, interval_ms: int) -> None:
        """Another pace of funding, from the next multiple of it on."""
        self.funding_interval_ms = interval_ms
        self.next_funding_ms = self._next_funding(self.now_ms())

    def match_resting(self, symbol: str | None = None) -> None:
        """Fill what the present prices reach: crossed orders whole, touched ones by their seeded part."""
        for order in self.orders.open(symbol):
            market = self.markets[order.symbol]
            if order.is_open and not order.silent and not market.fills.paused:
                self._match_one(market, order)

    def _match_one(self, market: Market, order: Order) -> None:
        opposite = market.price.opposite_best(order.side)
        if order.is_market:
            self._take(market, order)
        elif order.accepts(opposite) and order.price != opposite:
            self.ledger.fill(market, order, order.remaining, order.price, maker=True)
        elif self._is_at_touch(market, order):
            self.ledger.fill(market, order, market.draw_part(order), order.price, maker=True)

    def _is_at_touch(self, market: Market, order: Order) -> bool:
        if order.side is Side.BUY:
            return order.price >= market.price.bid
        return order.price <= market.price.ask

    def _next_funding(self, now_ms: int) -> int:
        return now_ms - now_ms % self.funding_interval_ms + self.funding_interval_ms
