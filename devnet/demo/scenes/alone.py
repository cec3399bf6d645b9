"""Scenes that disturb everybody: they are played one after the other, once all others have ended."""

import asyncio
from dataclasses import replace

from devnet.demo.stage import Ends, Play
from devnet.demo.watch import SceneFailed
from hedger.domain.terms import QuoteStatus


async def reorganisation(play: Play) -> Ends:
    """The blocks of an opening and of a close are orphaned, their requests are not: both are carried out again."""
    opening, resting = (replace(play, trader=trader, position=None) for trader in play.others)
    position, resting_id = await asyncio.gather(play.opened(), resting.locked(resting.limit()))
    closing_id = position.quote_id
    opening_id, _ = await asyncio.gather(
        opening.send(opening.market()),
        play.trader.request_close(closing_id, play.market_close(position.quantity)),
    )
    kept = await _head(play)
    await play.watch.until_status(opening_id, QuoteStatus.OPENED)
    await play.watch.until_status(closing_id, QuoteStatus.CLOSED)
    await _orphan(play, await _head(play) - kept)
    if play.watch.quotes[opening_id].status is QuoteStatus.OPENED:
        raise SceneFailed(f"the opening of quote {opening_id} was not orphaned")
    await play.watch.until_status(opening_id, QuoteStatus.OPENED)
    resting.broker.trade_against(await resting.broker.resting(resting_id))
    return [
        play.ours(closing_id, QuoteStatus.CLOSED, closed=position.quantity),
        opening.ours(opening_id),
        resting.ours(resting_id),
    ]


async def orphaned_intent(play: Play) -> Ends:
    """The intent itself is orphaned while its order works: the order is taken back. The next intent gets its id."""
    before = await _head(play)
    quote_id = await play.locked(play.limit())
    order = await play.broker.resting(quote_id)
    await _orphan(play, await _head(play) - before)
    async with asyncio.timeout(30):
        while order.is_open:
            await play.pause(0.1)
    again = await play.send(play.market())
    if again != quote_id:
        raise SceneFailed(f"the next intent is {again}, not {quote_id}: the first was not orphaned")
    return [play.ours(again)]


async def crash(play: Play) -> Ends:
    """The hedger is killed between lock and opening, and between close order and fill; started again, it goes on."""
    opening = replace(play, trader=play.others[0], position=None)
    position = await play.opened()
    opening_id, _ = await asyncio.gather(
        opening.send(opening.market()),
        play.trader.request_close(position.quote_id, play.market_close(position.quantity)),
    )
    name, world = play.hedger.setup.name, play.stage.world
    await play.watch.until(opening_id, lambda quote: quote.status is not QuoteStatus.PENDING, "a lock")
    await world.kill_hedger(name)
    play.stage.apis[name].url = await world.start_hedger(name)
    return [play.ours(position.quote_id, QuoteStatus.CLOSED, closed=position.quantity), opening.ours(opening_id)]


async def _head(play: Play) -> int:
    return int(await play.stage.world.rpc.call("eth_blockNumber"), 16)


async def _orphan(play: Play, depth: int) -> None:
    await play.stage.world.chain.reorg(depth)
    await play.watch.read_all()
