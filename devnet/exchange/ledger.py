"""What comes of matching: fills into trades, account and wallet, each step told to the listeners."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal

from devnet.exchange.account import Account, money
from devnet.exchange.checks import reducible
from devnet.exchange.market import Market
from devnet.exchange.orders import Order, Orders, Status, Trade
from devnet.exchange.user_events import account_update, order_update

TAKER_RATE = Decimal("0.0004")
MAKER_RATE = Decimal("0.0002")

Listener = Callable[[dict[str, object]], None]


class Ledger:
    """Every trade by symbol, and the listeners that hear each event of the user data stream as it happens."""

    def __init__(self, account: Account, orders: Orders, now_ms: Callable[[], int]) -> None:
        self.trades: dict[str, list[Trade]] = defaultdict(list)
        self.listeners: list[Listener] = []
        self._account, self._orders, self._now_ms = account, orders, now_ms

    def fill(self, market: Market, order: Order, quantity: Decimal, price: Decimal, *, maker: bool) -> None:
        """Execute a part of the order; a reduce-only order never beyond the position, nothing at all of a zero."""
        if order.request.reduce_only:
            quantity = min(quantity, reducible(self._account, order.symbol, order.side))
        if quantity <= 0:
            return
        trade = self._book_trade(market, order, quantity, price, maker)
        order.executed += quantity
        order.quote_executed += quantity * price
        order.updated_ms = trade.time_ms
        order.status = Status.PARTIALLY_FILLED if order.remaining else Status.FILLED
        if not order.is_open:
            self._orders.ended(order)
        self._tell(account_update(self._account, (order.symbol,), "ORDER", trade.time_ms))
        self.tell_order(order, "TRADE", trade)
        self._expire_useless_reducers(order.symbol)

    def end(self, order: Order, status: Status, execution_type: str) -> Order:
        """The order's last state, without a fill."""
        order.status, order.updated_ms = status, self._now_ms()
        self._orders.ended(order)
        self.tell_order(order, execution_type)
        return order

    def settle_funding(self, market: Market) -> None:
        """Longs pay shorts the present rate on the notional at mark (or the other way, if it is negative)."""
        symbol, now = market.spec.name, self._now_ms()
        amount = -money(self._account.positions[symbol].quantity * market.price.mark * market.funding_rate)
        if amount:
            self._account.receive("FUNDING_FEE", symbol, amount, now)
            self._tell(account_update(self._account, (), "FUNDING_FEE", now))

    def deposit(self, amount: Decimal) -> None:
        """Move money into the account, or out of it with a negative amount."""
        self._account.receive("TRANSFER", "", money(amount), self._now_ms())
        self._tell(account_update(self._account, (), "DEPOSIT" if amount > 0 else "WITHDRAW", self._now_ms()))

    def tell_order(self, order: Order, execution_type: str, trade: Trade | None = None) -> None:
        self._tell(order_update(order, execution_type, trade, self._now_ms()))

    def _book_trade(self, market: Market, order: Order, quantity: Decimal, price: Decimal, maker: bool) -> Trade:
        now, trade_id = self._now_ms(), market.next_trade_id()
        position = self._account.positions[order.symbol]
        realised = position.trade(order.side, quantity, price)
        position.updated_ms = now
        commission = money(quantity * price * (MAKER_RATE if maker else TAKER_RATE))
        self._account.receive("REALIZED_PNL", order.symbol, realised, now, str(trade_id))
        self._account.receive("COMMISSION", order.symbol, -commission, now, str(trade_id))
        trade = Trade(
            trade_id, order.order_id, order.client_order_id, order.symbol, order.side,
            price, quantity, maker, commission, realised, now,
        )  # fmt: skip
        self.trades[order.symbol].append(trade)
        return trade

    def _expire_useless_reducers(self, symbol: str) -> None:
        for order in self._orders.open(symbol):
            if order.request.reduce_only and not reducible(self._account, symbol, order.side):
                self.end(order, Status.EXPIRED, "EXPIRED")

    def _tell(self, event: dict[str, object]) -> None:
        for listener in self.listeners:
            listener(event)
