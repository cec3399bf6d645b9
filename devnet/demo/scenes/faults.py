"""Trades in the middle of which the exchange or the oracle fails."""

from devnet.demo.stage import Ends, Play
from devnet.oracle import Fault, FaultKind
from hedger.domain.terms import QuoteStatus

SILENCE_S = 3.0


async def answer_lost(play: Play) -> Ends:
    """The exchange takes the order, its answer is lost: the order is looked up, not sent twice."""
    quote_id = await play.send(play.market())
    play.broker.lose_answer(play.broker.order_id(quote_id))
    return [play.ours(quote_id)]


async def outcome_unknown(play: Play) -> Ends:
    """The exchange takes the order and says that it does not know."""
    quote_id = await play.send(play.market())
    play.broker.answer_unknown(play.broker.order_id(quote_id))
    return [play.ours(quote_id)]


async def too_many_requests(play: Play) -> Ends:
    """The exchange refuses the order for its rate; it is placed again later."""
    quote_id = await play.send(play.market())
    play.broker.refuse_for_rate(play.broker.order_id(quote_id))
    return [play.ours(quote_id)]


async def close_answer_lost(play: Play) -> Ends:
    """The same on the way out."""
    position = await play.opened()
    play.broker.lose_answer(play.broker.order_id(position.quote_id, "c"))
    await play.trader.request_close(position.quote_id, play.market_close(position.quantity))
    return [play.ours(position.quote_id, QuoteStatus.CLOSED, closed=position.quantity)]


async def stream_dropped(play: Play) -> Ends:
    """The user stream is cut off just before the fill, which polling or the next stream tells."""
    quote_id = await play.locked(play.limit())
    order = await play.broker.resting(quote_id)
    play.broker.drop_streams()
    play.broker.trade_against(order)
    return [play.ours(quote_id)]


async def stream_silent(play: Play) -> Ends:
    """The user stream stays up and says nothing of the fill, which polling tells."""
    quote_id = await play.locked(play.limit())
    order = await play.broker.resting(quote_id)
    async with play.broker.silent_stream():
        play.broker.trade_against(order)
        await play.pause(SILENCE_S)
    return [play.ours(quote_id)]


async def oracle_fails(play: Play) -> Ends:
    """The oracle fails, then signs what is out of date: the transaction is signed for anew."""
    for kind in (FaultKind.HTTP_500, FaultKind.WRONG_NONCE, FaultKind.EXPIRED):
        play.stage.world.oracle.faults.add(Fault(kind, method="uPnl_B"))
        play.stage.world.oracle.faults.add(Fault(kind, method="uPnlWithSymbolPrice"))
    return [play.ours(await play.send(play.market()))]
