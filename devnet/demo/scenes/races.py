"""Intents that several hedgers may take."""

from devnet.demo.stage import Ends, Play
from hedger.domain.terms import QuoteStatus


async def lost_race(play: Play) -> Ends:
    """A rival locks first: whoever had hedged already unwinds, and the rival's position is none of ours."""
    rival = play.stage.rival
    await rival.prepare(play.trader)
    quote_id = await play.send(play.market(white_list=(play.hedger.party_b, rival.address)))
    await rival.snatch(play.trader, quote_id)
    return [play.ends(quote_id, QuoteStatus.OPENED, party_b=rival.address)]
