"""Cancels that the hedger cannot answer, because its exchange does not: anybody forces them after the cooldown, and
what filled meanwhile is put right once the exchange is back."""

from decimal import Decimal

from devnet.demo.stage import Ends, Play
from hedger.domain.terms import QuoteStatus


async def forced_cancel(play: Play) -> Ends:
    """Nothing of the order fills meanwhile."""
    return await _forced_cancel(play, Decimal(0))


async def forced_cancel_of_a_part_filled(play: Play) -> Ends:
    """Half of the order fills meanwhile and is unwound."""
    return await _forced_cancel(play, Decimal("0.5"))


async def forced_cancel_of_a_close(play: Play) -> Ends:
    """Half of the close order fills meanwhile; the position stays whole, so its hedge is bought back."""
    position = await play.opened()
    quote_id = position.quote_id
    await play.trader.request_close(quote_id, play.limit_close(position.quantity))
    order = await play.broker.resting(quote_id, "c")
    async with play.broker.no_cancels(order.client_order_id):
        await play.trader.cancel_close(quote_id)
        asked = await play.watch.until_status(quote_id, QuoteStatus.CANCEL_CLOSE_PENDING)
        play.broker.trade_against(order, Decimal("0.5"))
        cooldown_s = play.stage.world.settings.force_cancel_close_cooldown_s
        await play.watch.until_later_than(asked.status_modified_at + cooldown_s)
        await play.others[0].force_cancel_close(quote_id)
    return [play.ours(quote_id, closed=0)]


async def _forced_cancel(play: Play, filled: Decimal) -> Ends:
    quote_id = await play.locked(play.limit())
    order = await play.broker.resting(quote_id)
    async with play.broker.no_cancels(order.client_order_id):
        await play.trader.cancel(quote_id)
        asked = await play.watch.until_status(quote_id, QuoteStatus.CANCEL_PENDING)
        if filled:
            play.broker.trade_against(order, filled)
        await play.watch.until_later_than(asked.status_modified_at + play.stage.world.settings.force_cancel_cooldown_s)
        await play.others[0].force_cancel(quote_id)
    return [play.ends(quote_id, QuoteStatus.CANCELED)]
