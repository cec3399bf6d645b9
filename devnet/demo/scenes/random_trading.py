"""A trader that does what comes to its mind, with whoever takes it."""

from random import Random

from devnet.demo.expected import AT_REST
from devnet.demo.stage import Ends, Play
from devnet.demo.symbols import BTC, ETH, SOL
from devnet.demo.watch import SceneFailed
from devnet.traders import Habits, Market, TransactionReverted, random_trader
from hedger.domain.money import WAD, from_text
from hedger.domain.terms import QuoteStatus

ACTIONS = 16
PAUSE_S = 0.7
TIDY_ROUNDS = 40
SMALLEST, LARGEST = 300 * WAD, 3_000 * WAD


async def random_trading(play: Play) -> Ends:
    """Sends, cancels, closes at random; in the end takes back whatever is still under way."""
    mine: set[int] = set()
    seed = Random(f"{play.stage.world.seed}:{play.trader.party_a}").getrandbits(32)
    actions = random_trader(seed, play.trader, _markets(play), Habits(most_live=4))
    for _ in range(ACTIONS):
        done = await anext(actions)
        if done.quote_id is not None:
            mine.add(done.quote_id)
        await play.pause(PAUSE_S)
    await _tidy(play)
    party_a = play.trader.party_a.lower()
    mine |= {quote.quote_id for quote in play.watch.quotes.values() if quote.party_a.lower() == party_a}
    return [play.ends(quote_id, *AT_REST) for quote_id in sorted(mine)]


async def _tidy(play: Play) -> None:
    """Ask for the end of everything that is under way, until nothing is."""
    for _ in range(TIDY_ROUNDS):
        moving = [quote for quote in await play.trader.live_quotes() if quote.status not in AT_REST]
        if not moving:
            return
        for quote in moving:
            try:
                await _take_back(play, quote.quote_id, quote.status)
            except TransactionReverted:
                continue  # its hedger was quicker
        await play.pause(PAUSE_S)
    raise SceneFailed(f"still under way: {', '.join(play.watch.describe(each.quote_id) for each in moving)}")


async def _take_back(play: Play, quote_id: int, status: QuoteStatus) -> None:
    if status in (QuoteStatus.PENDING, QuoteStatus.LOCKED):
        await play.trader.cancel(quote_id)
    elif status is QuoteStatus.CLOSE_PENDING:
        await play.trader.cancel_close(quote_id)


def _markets(play: Play) -> list[Market]:
    markets = play.hedger.exchange.engine.markets
    return [
        Market(
            symbol_id=symbol_id,
            price_step=from_text(markets[name].spec.tick),
            quantity_step=from_text(markets[name].spec.step),
            min_notional=SMALLEST,
            max_notional=LARGEST,
            min_quote_value=5 * WAD,
        )
        for name, symbol_id in play.stage.world.deployment.symbols.items()
        if name in (BTC, ETH, SOL)
    ]
