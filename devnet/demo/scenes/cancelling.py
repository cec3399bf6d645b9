"""Intents that their trader takes back, or that time ends."""

from decimal import Decimal

from devnet.demo.stage import Ends, Play
from devnet.traders import TransactionReverted
from hedger.domain.error_codes import ErrorCode
from hedger.domain.terms import QuoteStatus

CANCEL_TAKES_S = 4.0


async def cancel_before_any_fill(play: Play) -> Ends:
    """The order is taken off the exchange, and the cancel accepted."""
    quote_id = await play.locked(play.limit())
    await play.broker.resting(quote_id)
    await play.trader.cancel(quote_id)
    return [play.ends(quote_id, QuoteStatus.CANCELED)]


async def cancel_after_part(play: Play) -> Ends:
    """What filled becomes the position; the rest is cancelled with it, as a child that was never an intent."""
    quote_id = await play.locked(play.limit())
    play.broker.trade_against(await play.broker.resting(quote_id), Decimal("0.5"))
    await play.trader.cancel(quote_id)
    child = await play.watch.child_of(quote_id)
    return [play.ours(quote_id), play.ends(child.quote_id, QuoteStatus.CANCELED)]


async def cancel_after_fill(play: Play) -> Ends:
    """The order fills while its cancel is on the way to the exchange: the whole is opened."""
    quote_id = await play.locked(play.limit())
    order = await play.broker.resting(quote_id)
    play.broker.delay_cancel(order.client_order_id, CANCEL_TAKES_S)
    await play.trader.cancel(quote_id)
    await play.watch.until_status(quote_id, QuoteStatus.CANCEL_PENDING)
    play.broker.trade_against(order)
    return [play.ours(quote_id)]


async def cancel_of_an_unlocked_intent(play: Play) -> Ends:
    """An intent for another hedger, who does not take it, is gone as soon as it is cancelled."""
    quote_id = await play.send(play.limit(white_list=(play.stage.rival.address,)))
    await play.refused(quote_id, ErrorCode.NOT_ADDRESSED)
    await play.trader.cancel(quote_id)
    return [play.ends(quote_id, QuoteStatus.CANCELED, code=ErrorCode.NOT_ADDRESSED)]


async def open_expires(play: Play) -> Ends:
    """A limit order never fills: the hedger releases it before its deadline, and anybody ends it afterwards."""
    quote_id = await play.locked(play.limit(deadline_s=12))
    released = await play.watch.until(
        quote_id, lambda quote: quote.status is not QuoteStatus.LOCKED, "a release before the deadline"
    )
    await play.watch.until_later_than(released.deadline)
    try:
        await play.others[0].expire(quote_id)
    except TransactionReverted:
        await play.watch.until_status(quote_id, QuoteStatus.EXPIRED)  # somebody was quicker
    return [play.ends(quote_id, QuoteStatus.EXPIRED, code=ErrorCode.DEADLINE)]
