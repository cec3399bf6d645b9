"""Orders and trades, and the store that finds them again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        return 1 if self is Side.BUY else -1


class OrderType(StrEnum):
    LIMIT = "LIMIT"
    MARKET = "MARKET"


class TimeInForce(StrEnum):
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTX = "GTX"


class Status(StrEnum):
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"


OPEN = (Status.NEW, Status.PARTIALLY_FILLED)


@dataclass(frozen=True)
class OrderRequest:
    """What a client asks for; `price` is None for market orders."""

    symbol: str
    side: Side
    type: OrderType
    quantity: Decimal
    client_order_id: str
    price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    foreign: bool = False


@dataclass
class Order:
    """An order the exchange took. `quantity` may be less than `requested` for a reduce-only order.

    `silent` orders get no more fills until released; `draws` counts the seeded fractions drawn for it.
    """

    order_id: int
    request: OrderRequest
    quantity: Decimal
    price: Decimal
    created_ms: int
    updated_ms: int
    status: Status = Status.NEW
    executed: Decimal = Decimal(0)
    quote_executed: Decimal = Decimal(0)
    silent: bool = False
    draws: int = 0

    @property
    def symbol(self) -> str:
        return self.request.symbol

    @property
    def side(self) -> Side:
        return self.request.side

    @property
    def client_order_id(self) -> str:
        return self.request.client_order_id

    @property
    def is_market(self) -> bool:
        return self.request.type is OrderType.MARKET

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.executed

    @property
    def average_price(self) -> Decimal:
        """Average of its fills, zero before the first."""
        return self.quote_executed / self.executed if self.executed else Decimal(0)

    def accepts(self, price: Decimal) -> bool:
        """Whether a trade at this price is within the order's limit."""
        if self.is_market:
            return True
        return price <= self.price if self.side is Side.BUY else price >= self.price


@dataclass(frozen=True)
class Trade:
    """One fill. Ids count per symbol, as at the exchange itself: only (symbol, id) is unique."""

    trade_id: int
    order_id: int
    client_order_id: str
    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    maker: bool
    commission: Decimal
    realised: Decimal
    time_ms: int


class Orders:
    """Every order ever taken. A client order id may be used again once its order has ended."""

    def __init__(self) -> None:
        self._by_id: dict[int, Order] = {}
        self._by_client_id: dict[tuple[str, str], list[Order]] = defaultdict(list)
        self._open: dict[int, Order] = {}

    def add(self, order: Order) -> None:
        self._by_id[order.order_id] = order
        self._by_client_id[order.symbol, order.client_order_id].append(order)
        self._open[order.order_id] = order

    def next_id(self) -> int:
        return len(self._by_id) + 1_000_001

    def ended(self, order: Order) -> None:
        self._open.pop(order.order_id, None)

    def open(self, symbol: str | None = None) -> list[Order]:
        """Open orders, oldest first."""
        return [order for order in self._open.values() if symbol in (None, order.symbol)]

    def find(self, symbol: str, order_id: int | None, client_order_id: str | None) -> Order | None:
        """By exchange id, else the latest with that client id."""
        if order_id is not None:
            order = self._by_id.get(order_id)
            return order if order is not None and order.symbol == symbol else None
        known = self._by_client_id.get((symbol, client_order_id or ""))
        return known[-1] if known else None

    def is_client_id_open(self, client_order_id: str) -> bool:
        return any(order.client_order_id == client_order_id for order in self._open.values())

    def __iter__(self) -> Iterator[Order]:
        return iter(self._by_id.values())
