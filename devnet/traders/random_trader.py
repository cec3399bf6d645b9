"""A trader that acts at random, reproducibly from its seed."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from random import Random

from devnet.traders.actions import Action, Wait, carry_out
from devnet.traders.habits import Habits, Market, Scene, choose
from devnet.traders.trader import Trader
from devnet.traders.wallet import TransactionReverted
from hedger.adapters.muon import MuonError


@dataclass(frozen=True, slots=True)
class Done:
    """An action and its outcome: the quote it was about, or why the contract or the oracle refused it."""

    action: Action
    quote_id: int | None
    refused: str | None = None


async def random_trader(
    seed: int, trader: Trader, markets: Sequence[Market], habits: Habits | None = None
) -> AsyncGenerator[Done, None]:
    """One action each time the next is asked for, without end. The caller sets the pace.

    Without signed prices a trader sees nothing: it waits, and tells why.
    """
    random = Random(seed)
    bounds = habits or Habits()
    while True:
        try:
            scene = await _scene(trader, markets)
        except MuonError as error:
            yield Done(Wait(), None, str(error))
            continue
        yield await _outcome(choose(random, scene, markets, bounds), trader)


async def _outcome(action: Action, trader: Trader) -> Done:
    try:
        return Done(action, await carry_out(action, trader))
    except TransactionReverted as error:
        return Done(action, None, error.reason)
    except MuonError as error:
        return Done(action, None, str(error))


async def _scene(trader: Trader, markets: Sequence[Market]) -> Scene:
    symbol_ids = [market.symbol_id for market in markets]
    prices = await asyncio.gather(*(trader.market_price(symbol_id) for symbol_id in symbol_ids))
    quotes, now = await asyncio.gather(trader.live_quotes(), trader.now())
    return Scene(quotes, dict(zip(symbol_ids, prices, strict=True)), now)
