"""A crowd of random traders: they trade while the hedger lives and dies, and in the end leave everything."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from random import Random
from typing import TypeVar

import aiohttp

from devnet.rpc import ReceiptTimeout, RpcError
from devnet.traders import (
    CloseTerms,
    Habits,
    Market,
    QuoteOnChain,
    Trader,
    TransactionReverted,
    random_trader,
    with_slippage,
)
from hedger.adapters.muon import MuonError
from hedger.domain.money import WAD, floor_to
from hedger.domain.terms import OrderType, PositionType, QuoteStatus

T = TypeVar("T")
CENT = WAD // 100
MARKETS = (
    Market(1, WAD // 10, WAD // 1_000, 400 * WAD, 3_000 * WAD, 100 * WAD, (1, 5)),
    Market(2, CENT, WAD // 1_000, 400 * WAD, 3_000 * WAD, 100 * WAD, (1, 5)),
    Market(3, CENT, WAD // 10, 400 * WAD, 3_000 * WAD, 100 * WAD, (1, 5)),
)
TROUBLES = (TransactionReverted, MuonError, RpcError, ReceiptTimeout, aiohttp.ClientError, TimeoutError)
LEAVING_SLIPPAGE_PERCENT = Decimal(3)


class Crowd:
    """Random traders as tasks, each from a seed of its own. `done` counts what the contract took, by action."""

    def __init__(self, traders: Sequence[Trader], *, seed: int, habits: Habits, pause_s: float) -> None:
        self.traders = traders
        self.done: Counter[str] = Counter()
        self._seed, self._habits, self._pause_s = seed, habits, pause_s
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        seeds = range(self._seed, self._seed + len(self.traders))
        self._tasks = [
            asyncio.create_task(self._trade(seed, trader)) for seed, trader in zip(seeds, self.traders, strict=True)
        ]

    async def stop(self) -> None:
        """No new actions. One that was under way may still come to its block: whoever looks next waits a while."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def leave(self, *, within_s: float) -> list[QuoteOnChain]:
        """Cancel what waits and close what is open, until nothing is left or time is up; returns what is left."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await asyncio.gather(*(_leave(trader) for trader in self.traders))
        left = await asyncio.gather(*(trader.live_quotes() for trader in self.traders))
        return [quote for quotes in left for quote in quotes]

    async def _trade(self, seed: int, trader: Trader) -> None:
        random = Random(seed)
        actions = random_trader(seed, trader, MARKETS, self._habits)
        async for done in actions:
            if done.refused is None:
                self.done[type(done.action).__name__] += 1
            await asyncio.sleep(random.uniform(0, 2 * self._pause_s))


async def _leave(trader: Trader) -> None:
    while quotes := await trader.live_quotes():
        await asyncio.gather(*(_end(trader, quote) for quote in quotes))
        await asyncio.sleep(0.3)


async def _end(trader: Trader, quote: QuoteOnChain) -> None:
    """The next step out of one quote. What the hedger did first makes it fail: then the next look sees that."""
    with contextlib.suppress(*TROUBLES):
        match quote.status:
            case QuoteStatus.PENDING | QuoteStatus.LOCKED:
                await trader.cancel(quote.quote_id)
            case QuoteStatus.OPENED:
                await close_at_market(trader, quote)
            case QuoteStatus.CLOSE_PENDING if quote.order_type is OrderType.LIMIT:
                await trader.cancel_close(quote.quote_id)
            case _:
                await asyncio.sleep(0.3)


async def close_at_market(trader: Trader, quote: QuoteOnChain, quantity: int | None = None) -> None:
    """Ask to close a position, all of it or a part, at the market with slippage to spare."""
    price = await trader.market_price(quote.symbol_id)
    worst = with_slippage(price, LEAVING_SLIPPAGE_PERCENT, upward=quote.position_type is PositionType.SHORT)
    step = next(market.price_step for market in MARKETS if market.symbol_id == quote.symbol_id)
    await trader.request_close(
        quote.quote_id, CloseTerms(floor_to(worst, step), quantity or quote.open_amount, OrderType.MARKET)
    )


async def until(check: Callable[[], Awaitable[T]], *, within_s: float, every_s: float = 0.2) -> T:
    """The first true answer of a check, else its last answer when time is up."""
    clock = asyncio.get_running_loop()
    deadline, answer = clock.time() + within_s, await check()
    while not answer and clock.time() < deadline:
        await asyncio.sleep(every_s)
        answer = await check()
    return answer
