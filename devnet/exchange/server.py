"""The paper exchange as a server: engine, REST, sockets and control behind one port."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from decimal import Decimal

from aiohttp import web

from devnet.exchange.auth import Credentials
from devnet.exchange.clock import Clock, SystemClock
from devnet.exchange.control import Control
from devnet.exchange.engine import Engine
from devnet.exchange.faults import FaultBook
from devnet.exchange.listen_keys import ListenKeys
from devnet.exchange.public_streams import PublicStreams
from devnet.exchange.rest import Rest
from devnet.exchange.sockets import SocketHub
from devnet.exchange.symbols import DEFAULT_SYMBOLS, SymbolSpec

HOST = "127.0.0.1"


class PaperExchange:
    """A futures exchange in memory, one account, one-way positions, no liquidation; isolated margin is kept as a
    setting but counted as cross. `tick_ms` is the pace of its price, 0 leaves every tick to `tick()`;
    `slow_ms` is how often mark price and tickers are streamed, in ticks' time."""

    def __init__(
        self,
        symbols: Sequence[SymbolSpec] = DEFAULT_SYMBOLS,
        seed: int = 7,
        clock: Clock | None = None,
        *,
        api_key: str = "paper-key",
        secret: str = "paper-secret",
        balance: Decimal = Decimal(1_000_000),
        tick_ms: int = 100,
        slow_ms: int = 1000,
    ) -> None:
        self.clock = SystemClock() if clock is None else clock
        self.credentials = Credentials(api_key, secret)
        self.engine = Engine(symbols, seed=seed, now_ms=self.clock.now_ms, balance=balance)
        self.faults = FaultBook()
        self._keys = ListenKeys(seed, self.clock.now_ms)
        self.hub = SocketHub(PublicStreams(self.engine), self._keys)
        self.rest = Rest(self.engine, self._keys, self.credentials, self.clock, self.faults)
        self.engine.ledger.listeners.append(self.hub.tell_user)
        self._tick_ms = tick_ms
        self._slow_every = max(1, slow_ms // tick_ms) if tick_ms else 1
        self._runner: web.AppRunner | None = None
        self._timer: asyncio.Task[None] | None = None
        self.url = ""

    async def start(self, port: int = 0) -> str:
        """Listen on loopback (0 chooses a free port) and let the price run; returns the base URL."""
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, port).start()
        self.url = f"http://{HOST}:{self._runner.addresses[0][1]}"
        if self._tick_ms:
            self._timer = asyncio.create_task(self._run())
        return self.url

    async def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._timer
        self.hub.close_all()
        if self._runner is not None:
            await self._runner.cleanup()
        self._timer = self._runner = None

    def tick(self, count: int = 1) -> None:
        """Let the price move, orders fill and streams speak, `count` times."""
        for _ in range(count):
            self.engine.tick()
            self.hub.publish(slow=self.engine.ticks % self._slow_every == 0)
        if self._keys.is_stale():
            self.hub.expire_user_streams(self.clock.now_ms())

    def set_price(
        self, symbol: str, *, mid: Decimal | None = None, shift: Decimal | None = None, pin: bool | None = None
    ) -> None:
        """Move a price at once: orders it crosses fill, and the streams tell it. A pinned price stays put."""
        price = self.engine.market(symbol).price
        if pin is not None:
            price.pinned = pin
        if mid is None and shift is None:
            return
        price.set_mid((price.mid if mid is None else mid) + (shift or Decimal(0)), self.clock.now_ms())
        self.engine.match_resting(symbol)
        self.hub.publish(slow=True, changed=symbol)

    async def _run(self) -> None:
        while True:
            await self.clock.sleep(self._tick_ms / 1000)
            self.tick()

    def _app(self) -> web.Application:
        app, control = web.Application(), Control(self)
        app.router.add_route("*", "/control/{name}", control.answer)
        for prefix in ("", "/public", "/market"):
            app.router.add_get(f"{prefix}/ws", self.hub.public_stream)
            app.router.add_get(f"{prefix}/ws/{{tail}}", self.hub.public_stream)
            app.router.add_get(f"{prefix}/stream", self.hub.combined_stream)
        app.router.add_get("/private/ws", self.hub.user_stream)
        app.router.add_get("/private/ws/{tail}", self.hub.user_stream)
        app.router.add_route("*", "/{path:.*}", self.rest.answer)
        return app
