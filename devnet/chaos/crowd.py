"""Random traders of several tempers: most are solvent, some gamble with little money, and all change their minds."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from devnet.actors.deeds import SETBACKS
from devnet.chaos.stage import SYMBOLS, Stage
from devnet.demo.watch import QuoteWatch
from devnet.exchange import SymbolSpec
from devnet.traders import Habits, Market, QuoteOnChain, Trader, TransactionReverted
from devnet.traders.actions import Action, Cancel, CancelClose, carry_out
from devnet.traders.habits import Scene, choose
from hedger.domain.money import WAD, from_text
from hedger.domain.terms import QuoteStatus

# Together about one intent in a second.
PAUSE_S = 5.0
ASK_AGAIN_S = 1.5
SHORT_AND_LONG_S = (12, 20, 40, 120, 3_600)

# How much more readily than others these traders change their minds, and close.
CANCELS, CLOSES = 3, 3


@dataclass(frozen=True, slots=True)
class Temper:
    """A kind of trader: its money, what it trades, at which leverage."""

    funds: int
    smallest: int
    largest: int
    leverages: tuple[int, ...]
    most_live: int


CALM = Temper(50_000 * WAD, 300 * WAD, 3_000 * WAD, (1, 5, 10, 20), most_live=6)
# A price that moves by some per cent takes all it has, or gives it more than its hedger has set aside.
GAMBLER = Temper(320 * WAD, 2_000 * WAD, 5_000 * WAD, (20, 30), most_live=3)


@dataclass(frozen=True, slots=True)
class Member:
    """One trader of the crowd with what it draws from, and whom it trades with."""

    trader: Trader
    temper: Temper
    habits: Habits
    markets: Sequence[Market]
    random: Random


class Crowd:
    """Traders as tasks. `sent` counts what the contract took, by the kind of action."""

    def __init__(self, stage: Stage, members: Sequence[Member]) -> None:
        self.sent: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self._stage, self._members = stage, members

    async def trade(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for member in self._members:
                group.create_task(self._trade(member))

    async def take_back(self) -> None:
        """Ask for the end of everything that is under way, once; positions stay."""
        living = [(member, quote) for member in self._members for quote in living_of(self._stage.watch, member.trader)]
        await asyncio.gather(*(self._do(member, action) for member, quote in living if (action := _way_back(quote))))

    async def _trade(self, member: Member) -> None:
        while True:
            await asyncio.sleep(member.random.expovariate(1 / PAUSE_S))
            quotes = living_of(self._stage.watch, member.trader)
            prices = {market.symbol_id: self._price(market.symbol_id) for market in member.markets}
            scene = Scene(quotes, prices, self._stage.watch.now)
            await self._do(member, choose(member.random, scene, member.markets, member.habits))

    async def _do(self, member: Member, action: Action) -> None:
        kind = type(action).__name__
        try:
            await carry_out(action, member.trader)
        except TransactionReverted as refusal:
            self.refused[f"{kind}: {refusal.reason}"] += 1
            await self._refill(member, refusal.reason)
        except SETBACKS as trouble:
            self.refused[f"{kind}: {type(trouble).__name__}"] += 1
        else:
            self.sent[kind] += 1

    async def _refill(self, member: Member, reason: str) -> None:
        """A gambler that lost everything comes back with new money."""
        if "insufficient" not in reason:
            return
        try:
            await member.trader.fund(member.temper.funds)
        except SETBACKS as trouble:
            self.refused[f"fund: {type(trouble).__name__}"] += 1

    def _price(self, symbol_id: int) -> int:
        return from_text(self._stage.prices()[SYMBOLS[symbol_id - 1]])


async def gather_crowd(stage: Stage, *, calm: int = 8, gamblers: int = 4) -> Crowd:
    """Traders with money, plain ones and sub-accounts; what they do follows from the seed of the world."""
    random = Random(f"{stage.world.seed}:crowd")
    calm_ones = await stage.world.traders(calm, sub_accounts=calm // 2, funds=CALM.funds)
    gambling = await stage.world.traders(gamblers, sub_accounts=gamblers // 3, funds=GAMBLER.funds)
    stage.traders = [*calm_ones, *gambling]
    cast = [*((trader, CALM) for trader in calm_ones), *((trader, GAMBLER) for trader in gambling)]
    white_lists = _white_lists(stage)
    return Crowd(
        stage,
        [
            Member(
                trader,
                temper,
                _habits(stage, temper, white_lists[number % len(white_lists)]),
                _markets(stage, temper),
                Random(random.getrandbits(64)),
            )
            for number, (trader, temper) in enumerate(cast)
        ],
    )


def living_of(watch: QuoteWatch, trader: Trader) -> list[QuoteOnChain]:
    """A trader's requests and positions, by id."""
    party_a = trader.party_a.lower()
    return [each for _, each in sorted(watch.quotes.items()) if _is_living(each) and each.party_a.lower() == party_a]


def _is_living(quote: QuoteOnChain) -> bool:
    return quote.quote_id != 0 and not quote.status.is_terminal


def _way_back(quote: QuoteOnChain) -> Action | None:
    match quote.status:
        case QuoteStatus.PENDING | QuoteStatus.LOCKED:
            return Cancel(quote.quote_id)
        case QuoteStatus.CLOSE_PENDING:
            return CancelClose(quote.quote_id)
        case _:
            return None


def _white_lists(stage: Stage) -> list[tuple[str, ...]]:
    """One hedger, the other, one of them and the rival, everybody."""
    proxy, key = (hedger.party_b for hedger in stage.world.hedgers.values())
    return [(proxy,), (key,), (proxy, stage.rival.address), (key, stage.rival.address), ()]


def _habits(stage: Stage, temper: Temper, white_list: tuple[str, ...]) -> Habits:
    settings = stage.world.settings
    return Habits(
        most_live=temper.most_live,
        white_list=white_list,
        force_cancel_cooldown_s=settings.force_cancel_cooldown_s,
        force_cancel_close_cooldown_s=settings.force_cancel_close_cooldown_s,
        deadlines_s=SHORT_AND_LONG_S,
        cancel_weight=CANCELS,
        close_weight=CLOSES,
    )


def _markets(stage: Stage, temper: Temper) -> list[Market]:
    engine, symbols = stage.world.exchange.engine, stage.world.deployment.symbols
    return [_market(symbols, engine.market(name).spec, temper) for name in SYMBOLS]


def _market(symbols: Mapping[str, int], spec: SymbolSpec, temper: Temper) -> Market:
    return Market(
        symbol_id=symbols[spec.name],
        price_step=from_text(spec.tick),
        quantity_step=from_text(spec.step),
        min_notional=temper.smallest,
        max_notional=temper.largest,
        min_quote_value=5 * WAD,
        leverages=temper.leverages,
    )
