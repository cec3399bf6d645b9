"""Intents that end as positions."""

from decimal import Decimal

from devnet.demo.stage import NEAR, Ends, Play
from hedger.domain.terms import QuoteStatus


async def market_open(play: Play) -> Ends:
    """A market order becomes a position."""
    return [play.ours(await play.send(play.market()))]


async def limit_fills_at_once(play: Play) -> Ends:
    """A limit order beyond the market fills as it arrives."""
    return [play.ours(await play.send(play.limit(-NEAR)))]


async def limit_rests_then_fills(play: Play) -> Ends:
    """A limit order rests until the price comes to it."""
    quote_id = await play.send(play.limit(NEAR))
    quote = await play.watch.until_status(quote_id, QuoteStatus.LOCKED, QuoteStatus.OPENED)
    if quote.status is QuoteStatus.LOCKED:
        await play.broker.resting(quote_id)
        await play.broker.swing(play.symbol, play.side)
    return [play.ours(quote_id)]


async def part_opened_and_child_taken(play: Play) -> Ends:
    """Half of a limit order fills and is opened after a while; the child, the other half, is taken in its turn."""
    quote_id = await play.locked(play.limit())
    play.broker.trade_against(await play.broker.resting(quote_id), Decimal("0.5"))
    child = await play.watch.child_of(quote_id)
    play.broker.trade_against(await play.broker.resting(child.quote_id))
    return [play.ours(quote_id), play.ours(child.quote_id)]
