"""Intents that several hedgers may take."""

from devnet.demo.expected import Expected
from devnet.demo.stage import Ends, Play
from devnet.demo.watch import SceneFailed
from hedger.domain.terms import QuoteStatus

ATTEMPTS = 5


async def lost_race(play: Play) -> Ends:
    """A rival locks first: whoever had hedged already unwinds, and the rival's position is none of ours.

    A race may also be won; it is run until it is lost once.
    """
    rival = play.stage.rival
    await rival.prepare(play.trader)
    # Every hundredth of a second counts here, so this trader does not wait to look for its receipt.
    play.trader.wallet.rpc = play.stage.world.chain.rpc
    won: list[Expected] = []
    for _ in range(ATTEMPTS):
        quote_id = await play.send(play.market(white_list=(play.hedger.party_b, rival.address)))
        if await rival.snatch(play.trader, quote_id):
            return [*won, play.ends(quote_id, QuoteStatus.OPENED, party_b=rival.address)]
        await play.watch.until_status(quote_id, QuoteStatus.OPENED)
        won.append(play.ours(quote_id))
        await rival.prepare(play.trader)
    raise SceneFailed(f"the rival lost {ATTEMPTS} races")
