"""The world of a chaos run: two hedgers behind cables, short cooldowns, and a clock that everything is judged by."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

from devnet.cable import Cable
from devnet.chaos.timeline import Hindrance, Timeline
from devnet.demo.api import HedgerApi
from devnet.demo.rival import Rival
from devnet.demo.symbols import BTC, ETH, SOL
from devnet.demo.watch import QuoteWatch
from devnet.deployment import Settings
from devnet.hedger_process import HedgerFailed
from devnet.traders import Trader
from devnet.world import KEY_HEDGER, PROXY_HEDGER, HedgerSetup, World

# Cooldowns as short as a run of a minute asks.
QUICK = Settings(
    force_cancel_cooldown_s=15,
    force_cancel_close_cooldown_s=15,
    force_close_first_cooldown_s=10,
    force_close_second_cooldown_s=5,
    force_close_min_sig_period_s=30,
    upnl_valid_time_s=60,
    price_valid_time_s=60,
    deallocate_cooldown_s=30,
    deallocate_debounce_s=2,
    settlement_cooldown_s=10,
    liquidation_timeout_s=120,
)
SYMBOLS = (BTC, ETH, SOL)
_TERMS = {"min_notional": "50", "max_notional": "50000", "max_leverage": "40", "max_funding_rate": "0.0005"}
_POLICY = {"max_limit_distance": "0.3", "symbols": dict.fromkeys(SYMBOLS, _TERMS)}
PROXY = HedgerSetup(PROXY_HEDGER.name, policy={**PROXY_HEDGER.policy, **_POLICY})
KEY = HedgerSetup(KEY_HEDGER.name, through_proxy=False, policy={**KEY_HEDGER.policy, **_POLICY})
HEDGERS = (PROXY, KEY)
# Longs pay of the one, shorts of the other; an epoch passes several times a run.
FUNDING_RATES = {ETH: Decimal("-0.0002"), SOL: Decimal("0.0003")}
FUNDING_EPOCH_S, FUNDING_WINDOW_S = 30, 12
START_ATTEMPTS, START_PAUSE_S, SUPERVISE_S = 10, 1.0, 1.0
# The exchange's own waiting times must not outlast a minute's run.
ENVIRONMENT = {
    "HEDGER_VENUE__TIMEOUT_MS": "3000",
    "HEDGER_VENUE__RECV_WINDOW_MS": "3000",
    "HEDGER_VENUE__INCOME_POLL_S": "1",
    "HEDGER_TIMING__TEND_S": "1",
}


@dataclass
class Cables:
    """What one hedger reaches the rest of the world through. New heads have a cable of their own."""

    venue: Cable
    rpc: Cable
    heads: Cable
    oracle: Cable


@dataclass
class Stage:
    """Everything a chaos run acts on, by the names of the hedgers. `down` holds why a hedger is not there
    now, `first_block` how deep the chain may be reorganised: what was prepared stays."""

    world: World
    watch: QuoteWatch
    rival: Rival
    cables: dict[str, Cables]
    timeline: Timeline
    apis: dict[str, HedgerApi] = field(default_factory=dict)
    down: dict[str, Hindrance] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    traders: list[Trader] = field(default_factory=list)
    kills: int = 0
    first_block: int = 0

    def prices(self) -> dict[str, Decimal]:
        """The market of the first hedger's exchange, which is the oracle's too."""
        return {name: self.world.exchange.engine.market(name).price.mid for name in SYMBOLS}

    async def charge_funding(self) -> None:
        """From now on exchanges pay funding each epoch, and the contract lets hedgers charge it."""
        administrator = await self.world.administrator()
        for name, rate in FUNDING_RATES.items():
            symbol_id = self.world.deployment.symbols[name]
            await administrator.set_funding(symbol_id, epoch_s=FUNDING_EPOCH_S, window_s=FUNDING_WINDOW_S)
            for hedger in self.world.hedgers.values():
                hedger.exchange.engine.market(name).funding_rate = rate
        for hedger in self.world.hedgers.values():
            hedger.exchange.engine.pay_funding_every(FUNDING_EPOCH_S * 1_000)

    def move_price(self, symbol: str, move: Decimal) -> None:
        """The price changes by this part of itself at once, everywhere."""
        change = self.prices()[symbol] * move
        for hedger in self.world.hedgers.values():
            hedger.exchange.set_price(symbol, shift=change)

    async def start(self, name: str) -> None:
        """Start a hedger and wait until it is there. As under any supervisor, one that cannot start is started again:
        its exchange or its node may be away."""
        for attempt in range(1, START_ATTEMPTS + 1):
            try:
                url = await self.world.start_hedger(name)
                break
            except HedgerFailed:
                if attempt == START_ATTEMPTS:
                    raise
                await asyncio.sleep(START_PAUSE_S)
        self.apis[name] = HedgerApi(self.world.session, url)
        if name in self.down:
            self.timeline.end(self.down.pop(name))

    async def kill(self, name: str) -> None:
        self.down[name] = self.timeline.begin(name, "down")
        self.kills += 1
        await self.world.kill_hedger(name)

    async def supervise(self) -> None:
        """Until cancelled: a hedger that ends by itself is noted, which the verdict holds against it, and started
        again."""
        while True:
            await asyncio.sleep(SUPERVISE_S)
            for name, hedger in self.world.hedgers.items():
                if name not in self.down and not hedger.process.is_running:
                    self.ended.append(f"hedger {name} has ended by itself:\n{hedger.process.log_end()}")
                    self.down[name] = self.timeline.begin(name, "ended by itself")
                    await self.start(name)


@asynccontextmanager
async def set_up(folder: Path, seed: int) -> AsyncIterator[Stage]:
    """The world without its hedgers, which `Stage.start` starts; everything is taken down in the end."""
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(World(folder, seed=seed, hedgers=HEDGERS, settings=QUICK))
        watch = QuoteWatch(world.rpc, world.deployment.diamond)
        cables = {}
        for name, hedger in world.hedgers.items():
            venue, rpc, heads, oracle = [
                await stack.enter_async_context(Cable(port))
                for port in (_port(hedger.exchange.url), world.chain.port, world.chain.port, _port(world.oracle.url))
            ]
            cables[name] = Cables(venue, rpc, heads, oracle)
            hedger.process.environment |= {**ENVIRONMENT, **_through(cables[name])}
        await stack.enter_async_context(watch.running())
        yield Stage(world, watch, Rival(world), cables, Timeline(lambda: float(watch.now)))


def _through(cables: Cables) -> dict[str, str]:
    host = "127.0.0.1"
    return {
        "HEDGER_CHAIN__RPC_URLS": json.dumps([f"http://{host}:{cables.rpc.port}"]),
        "HEDGER_CHAIN__WS_URL": f"ws://{host}:{cables.heads.port}",
        "HEDGER_VENUE__BASE_URL": f"http://{host}:{cables.venue.port}",
        "HEDGER_MUON__URLS": json.dumps([f"http://{host}:{cables.oracle.port}/v1/"]),
    }


def _port(url: str) -> int:
    port = urlsplit(url).port
    if port is None:
        raise ValueError(f"{url} has no port")
    return port
