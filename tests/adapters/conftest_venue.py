"""The ccxt venue on a paper exchange, with a hand on both, and a relay that garbles answers."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import aiohttp
from aiohttp import web

from devnet.exchange.faults import Fault, FaultKind
from devnet.exchange.server import PaperExchange
from devnet.exchange.symbols import BTCUSDT, DEFAULT_SYMBOLS, SymbolSpec
from hedger.adapters.venue.ccxt_venue import CcxtVenue
from hedger.adapters.venue.port import VenueOrder
from hedger.adapters.venue.settings import VenueSettings
from hedger.domain import money
from hedger.domain.terms import OrderType, Side

BTC, ETH = "BTCUSDT", "ETHUSDT"
API_KEY, SECRET = "paper-key-of-the-tests", "paper-secret-of-the-tests"


class OurClock:
    """Wall time, moved by `lead_ms`."""

    def __init__(self) -> None:
        self.lead_ms = 0

    def __call__(self) -> int:
        return time.time_ns() // 1_000_000 + self.lead_ms


class PaperWorld:
    """A venue and the ways to make its exchange do what a test needs."""

    def __init__(self, exchange: PaperExchange, venue: CcxtVenue, clock: OurClock) -> None:
        self.exchange, self.venue, self.clock = exchange, venue, clock

    def set_price(self, symbol: str, price: str) -> None:
        self.exchange.set_price(symbol, mid=Decimal(price), pin=True)

    def fill_in_parts(self, symbol: str, level_quantity: str) -> None:
        """From now on market orders trade level by level, so one order has many fills."""
        fills = self.exchange.engine.market(symbol).fills
        fills.levels, fills.level_quantity = 1_000, Decimal(level_quantity)

    def lose_the_answer_to_the_next_order(self) -> None:
        self.strike(kind=FaultKind.LOSE_ANSWER)

    def lose_the_next_order(self) -> None:
        self.strike(kind=FaultKind.LOSE_REQUEST)

    def be_down(self) -> None:
        """Nothing answers any more."""
        self.strike(kind=FaultKind.LOSE_REQUEST, method=None, path=None, times=None)

    def break_the_user_stream(self) -> None:
        self.exchange.hub.drop_user_streams()

    def settle_funding(self, symbol: str, rate: str) -> None:
        """The next settlement comes at once, at this rate."""
        self.exchange.engine.market(symbol).funding_rate = Decimal(rate)
        self.exchange.engine.pay_funding()

    def strike(self, method: str | None = "POST", path: str | None = "/fapi/v1/order", **fault: Any) -> None:
        self.exchange.faults.add(Fault(method=method, path=path, **fault))

    def requests(self, name: str) -> int:
        """How often a path was asked, as in "POST /fapi/v1/order"."""
        return self.exchange.rest.requests[name]


def settings_for(url: str, **changes: Any) -> VenueSettings:
    streams = url.replace("http", "ws", 1)
    fields = {"api_key": API_KEY, "secret": SECRET, "symbols": (BTC, ETH), "base_url": url, "ws_url": streams}
    return VenueSettings(**{**fields, "timeout_ms": 3_000, **changes})


@asynccontextmanager
async def paper_world(
    *,
    tick_ms: int = 0,
    balance: int = 1_000_000,
    listed: Sequence[SymbolSpec] = DEFAULT_SYMBOLS,
    **changes: Any,
) -> AsyncIterator[PaperWorld]:
    """Prices stand still unless `tick_ms` lets them run; `changes` are of the venue's settings."""
    exchange = PaperExchange(listed, api_key=API_KEY, secret=SECRET, tick_ms=tick_ms, balance=Decimal(balance))
    clock = OurClock()
    await exchange.start()
    try:
        venue = await CcxtVenue.open(settings_for(exchange.url, **changes), clock_ms=clock)
        try:
            yield PaperWorld(exchange, venue, clock)
        finally:
            await venue.close()
    finally:
        await exchange.stop()


@asynccontextmanager
async def garbling(url: str, method: str, path: str, status: int, body: str) -> AsyncIterator[str]:
    """A relay to the exchange at `url` that answers one path with text of its own; yields its address."""

    async def relay(request: web.Request) -> web.Response:
        if (request.method, request.path) == (method, path):
            return web.Response(status=status, text=body)
        target, sent = url + request.raw_path, await request.read()
        headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        async with session.request(request.method, target, data=sent, headers=headers) as answer:
            return web.Response(status=answer.status, body=await answer.read(), content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", relay)
    runner = web.AppRunner(app)
    async with aiohttp.ClientSession() as session:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


def tiny() -> SymbolSpec:
    """A symbol with prices of a ten-millionth and sizes of a thousand millions."""
    return replace(
        BTCUSDT,
        name="1000TINYUSDT",
        base="1000TINY",
        tick=Decimal("0.0000001"),
        step=Decimal(1),
        min_quantity=Decimal(1),
        max_quantity=Decimal(10**10),
        market_max_quantity=Decimal(10**10),
        min_notional=Decimal(5),
        start_price=Decimal("0.0000123"),
    )


def market(order_id: str, quantity: str, side: Side = Side.BUY, symbol: str = BTC, **changes: Any) -> VenueOrder:
    """A market order, sizes as text."""
    return VenueOrder(
        client_order_id=order_id,
        symbol=symbol,
        side=side,
        order_type=OrderType.MARKET,
        quantity=money.from_text(quantity),
        limit_price=0,
        reduce_only=changes.get("reduce_only", False),
    )


def limit(
    order_id: str, quantity: str, price: str, side: Side = Side.BUY, symbol: str = BTC, reduce_only: bool = False
) -> VenueOrder:
    """A limit order, sizes as text."""
    return VenueOrder(
        client_order_id=order_id,
        symbol=symbol,
        side=side,
        order_type=OrderType.LIMIT,
        quantity=money.from_text(quantity),
        limit_price=money.from_text(price),
        reduce_only=reduce_only,
    )
