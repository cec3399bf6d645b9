"""Positions that their trader closes, in whole or in part."""

from decimal import Decimal

from devnet.demo.stage import LONG, NEAR, SHORT, Ends, Play
from devnet.traders import QuoteOnChain
from hedger.domain.money import from_text
from hedger.domain.terms import QuoteStatus


async def market_close(play: Play) -> Ends:
    """The whole position is closed at the market."""
    position = await play.opened()
    await play.trader.request_close(position.quote_id, play.market_close(position.quantity))
    return [play.ours(position.quote_id, QuoteStatus.CLOSED, closed=position.quantity)]


async def market_close_of_a_part(play: Play) -> Ends:
    """Half of the position is closed at the market; the other half stays."""
    position = await play.opened()
    half = position.quantity // 2
    await play.trader.request_close(position.quote_id, play.market_close(half))
    await _has_closed(play, position, half)
    return [play.ours(position.quote_id, closed=half)]


async def limit_close_by_the_price(play: Play) -> Ends:
    """A limit close rests until the price comes to it."""
    position = await play.opened()
    await play.trader.request_close(position.quote_id, play.limit_close(position.quantity, NEAR))
    await play.broker.resting(position.quote_id, "c")
    await play.broker.swing(play.symbol, SHORT if play.side is LONG else LONG)
    return [play.ours(position.quote_id, QuoteStatus.CLOSED, closed=position.quantity)]


async def limit_close_in_several_fills(play: Play) -> Ends:
    """Each fill at the exchange is filled on chain by itself."""
    position = await play.opened()
    quote_id = position.quote_id
    await play.trader.request_close(quote_id, play.limit_close(position.quantity))
    order = await play.broker.resting(quote_id, "c")
    for part in (Decimal("0.4"), Decimal("0.3")):
        before = play.watch.quotes[quote_id].closed_amount
        traded = play.broker.trade_against(order, part)
        await _has_closed(play, position, before + from_text(traded))
    play.broker.trade_against(order)
    return [play.ours(quote_id, QuoteStatus.CLOSED, closed=position.quantity)]


async def close_cancelled_before_any_fill(play: Play) -> Ends:
    """The close order is taken off the exchange, and the position stays whole."""
    position = await _limit_close_rests(play)
    await play.trader.cancel_close(position.quote_id)
    await _is_open_again(play, position)
    return [play.ours(position.quote_id, closed=0)]


async def close_cancelled_after_a_part(play: Play) -> Ends:
    """The part that was closed stays closed; the rest stays open."""
    position = await _limit_close_rests(play)
    order = await play.broker.resting(position.quote_id, "c")
    play.broker.trade_against(order, Decimal("0.5"))
    await play.trader.cancel_close(position.quote_id)
    await _is_open_again(play, position)
    return [play.ours(position.quote_id, closed=position.quantity // 2)]


async def close_expires(play: Play) -> Ends:
    """A limit close never fills: after its deadline the position is open again, and whole."""
    position = await _limit_close_rests(play, deadline_s=10)
    await _is_open_again(play, position)
    return [play.ours(position.quote_id, closed=0)]


async def _limit_close_rests(play: Play, *, deadline_s: int = 3_600) -> QuoteOnChain:
    position = await play.opened()
    terms = play.limit_close(position.quantity, deadline_s=deadline_s)
    await play.trader.request_close(position.quote_id, terms)
    await play.broker.resting(position.quote_id, "c")
    return await play.watch.until_status(position.quote_id, QuoteStatus.CLOSE_PENDING)


async def _is_open_again(play: Play, position: QuoteOnChain) -> None:
    await play.watch.until_status(position.quote_id, QuoteStatus.OPENED)


async def _has_closed(play: Play, position: QuoteOnChain, quantity: int) -> None:
    await play.watch.until(position.quote_id, lambda quote: quote.closed_amount == quantity, "a part of it closed")
