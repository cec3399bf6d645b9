"""A venue that obeys the test: the port, with its answers set by hand and what it was asked kept."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from hedger.adapters.venue.port import (
    Accepted,
    Fill,
    FundingSettled,
    Income,
    Margin,
    Market,
    NotFound,
    OrderReport,
    Refused,
    SymbolRules,
    Unknown,
    VenueOrder,
    VenueUnavailable,
)
from hedger.domain.money import WAD
from hedger.domain.terms import Side
from hedger.domain.venue_cash import VenuePosition
from tests.domain.given import wad

LIFETIME_MS = 6_000
BTC = "BTCUSDT"


@dataclass
class FakeVenue:
    """`answer` is what an order gets; `reports` are the orders it knows, by client order id, `trades` their fills.

    While `is_away` it answers no question. `stream` is told by `executions`; an exception in it breaks the stream.
    """

    name: str = "paper"
    request_lifetime_ms: int = LIFETIME_MS
    answer: Accepted | Refused | Unknown | None = None
    cancel_answer: Accepted | Refused | Unknown | None = None
    reports: dict[str, OrderReport] = field(default_factory=dict)
    trades: dict[str, list[Fill]] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    movements: list[Income] = field(default_factory=list)
    funding: list[FundingSettled] = field(default_factory=list)
    wallet: int = 100_000 * WAD
    valued: list[VenuePosition] = field(default_factory=list)
    is_away: bool = False
    stream: "asyncio.Queue[OrderReport | Fill | Exception]" = field(default_factory=asyncio.Queue)
    placed: list[VenueOrder] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)
    fills_asked: list[str] = field(default_factory=list)
    placing: Callable[[], None] | None = None  # called while an order is placed

    async def place(self, order: VenueOrder) -> Accepted | Refused | Unknown:
        self.placed.append(order)
        if self.placing is not None:
            self.placing()
        return self.answer or accepted(order.client_order_id)

    async def cancel(self, symbol: str, client_order_id: str) -> Accepted | Refused | Unknown:
        self.cancelled.append(client_order_id)
        return self.cancel_answer or accepted(client_order_id)

    async def find(self, symbol: str, client_order_id: str) -> OrderReport | NotFound:
        self.looked_up.append(client_order_id)
        self._answers()
        return self.reports.get(client_order_id) or NotFound(client_order_id=client_order_id, at_ms=0)

    async def fills(self, symbol: str, *, venue_order_id: str | None = None, since_ms: int | None = None) -> list[Fill]:
        self._answers()
        self.fills_asked.append(venue_order_id or "")
        return list(self.trades.get(venue_order_id or "", []))

    async def positions(self) -> dict[str, int]:
        self._answers()
        return dict(self.held)

    async def holdings(self) -> list[VenuePosition]:
        self._answers()
        return list(self.valued)

    async def income(self, since_ms: int) -> list[Income]:
        self._answers()
        return [movement for movement in self.movements if movement.at_ms >= since_ms]

    async def margin(self) -> Margin:
        self._answers()
        return Margin(wallet=self.wallet, available=self.wallet)

    async def rules(self) -> dict[str, SymbolRules]:
        return {BTC: RULES}

    async def markets(self) -> dict[str, Market]:
        self._answers()
        return {BTC: MARKET_NOW}

    async def funding_rates(self, symbol: str, since_ms: int) -> list[FundingSettled]:
        self._answers()
        return [each for each in self.funding if each.symbol == symbol and each.at_ms >= since_ms]

    async def time_ms(self) -> int:
        self._answers()
        return 0

    async def executions(self) -> AsyncIterator[OrderReport | Fill]:
        while True:
            told = await self.stream.get()
            if isinstance(told, Exception):
                raise told
            yield told

    async def prices(self) -> AsyncIterator[Market]:
        yield MARKET_NOW

    async def close(self) -> None:
        self.is_away = True

    def _answers(self) -> None:
        if self.is_away:
            raise VenueUnavailable("the venue is away")


RULES = SymbolRules(
    symbol=BTC,
    tick=wad("0.1"),
    step=wad("0.001"),
    min_quantity=wad("0.001"),
    max_quantity=wad(1_000),
    market_max_quantity=wad(1_000),
    min_notional=wad(5),
)
MARKET_NOW = Market(
    symbol=BTC, bid=wad("99.9"), ask=wad(100), mark=wad(100), funding_rate=0, next_funding_at_ms=0, at_ms=1_000
)


def accepted(client_order_id: str) -> Accepted:
    return Accepted(client_order_id=client_order_id, venue_order_id=f"v-{client_order_id}", at_ms=5)


def report(client_order_id: str, status: str = "open", executed: str = "0", quantity: int = 10 * WAD) -> OrderReport:
    return OrderReport(
        client_order_id=client_order_id,
        venue_order_id=f"v-{client_order_id}",
        symbol=BTC,
        status=status,
        quantity=quantity,
        executed_quantity=wad(executed),
        updated_at_ms=7,
    )


def fill(client_order_id: str, quantity: str, trade: str = "1", price: str = "100") -> Fill:
    return Fill(
        trade_id=f"{client_order_id}/{trade}",
        client_order_id=client_order_id,
        venue_order_id=f"v-{client_order_id}",
        symbol=BTC,
        side=Side.BUY,
        quantity=wad(quantity),
        price=wad(price),
        fee=0,
        fee_asset="USDT",
        traded_at_ms=6,
    )
