"""A hedger with an open and hedged long of 10, and a position validator whose three sides are in the test's hand."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

from deciding_world import World, block_of
from fake_venue import BTC, FakeVenue

from hedger.adapters.chain.decode import DecodedBlock
from hedger.adapters.chain.rpc_errors import RpcError
from hedger.adapters.chain.view_structs import QuoteView
from hedger.adapters.venue.port import Fill
from hedger.application.position_validator import PositionValidator, Settings
from hedger.application.validation.closing import ForeignCloser
from hedger.application.validation.explaining import Explainer
from hedger.application.validation.looking import Looker
from hedger.application.validation.ports import OwnFill, OwnOrder
from hedger.application.validation.repairing import Repairer
from hedger.application.validation.trades import TradeComparison
from hedger.domain.chain_facts import QuoteFact
from hedger.domain.events import ChainFact, Event
from hedger.domain.feed import BlockRef
from hedger.domain.margins import Locked
from hedger.domain.mismatch import MismatchFound, MismatchResolved
from hedger.domain.quote.events import OrderFilled
from hedger.domain.quote.onchain import fold
from hedger.domain.repairs import RepairMode
from hedger.domain.terms import OrderType, PositionType, QuoteStatus, Side
from hedger.domain.trading import TradingStateChanged
from hedger.domain.transactions import TransactionRequested
from tests.domain.given import TAG, TRADER, US, Chain, accepted_order, ended, filled, succeeded, wad

NOBODY = "0x" + "00" * 20


class FakeValidatorViews:
    """What the contract has: `quotes` by id, `allocated` by PartyA; `failing` is raised."""

    def __init__(self) -> None:
        self.quotes: dict[int, QuoteView] = {}
        self.allocated: dict[str, int] = {}
        self.failing: Exception | None = None

    async def active_quotes_of_party_b(self, party_b: str, block: BlockRef | None = None) -> list[QuoteView]:
        assert party_b == US
        if self.failing is not None:
            raise self.failing
        return list(self.quotes.values())

    async def allocations(self, party_b: str, party_as: Sequence[str], block: BlockRef | None = None) -> dict[str, int]:
        return {party_a: self.allocated.get(party_a, 0) for party_a in party_as}


class FakeChainHistory:
    """The chain's past: `facts` in the order of the chain are what its logs tell; state is as their fold has it.

    With `is_pruned` no node has the state of an old block any more. `asked` counts views and `read` blocks.
    """

    def __init__(self, views: FakeValidatorViews) -> None:
        self.facts: list[ChainFact] = []
        self.is_pruned = False
        self.price_is: int | None = None  # what the contract has for every opened price, whatever its logs tell
        self.asked, self.read = 0, 0
        self._views = views

    async def quote_at(self, quote_id: int, block: int) -> QuoteView | None:
        self.asked += 1
        if self.is_pruned:
            raise RpcError("eth_call", -32000, "missing trie node")
        before = [f for f in self.facts if isinstance(f, QuoteFact) and f.quote_id == quote_id]
        facet = fold([fact for fact in before if fact.source.block_number <= block])
        if facet is None:
            return None
        quantity, price = facet.open_quantity or facet.quantity, self.price_is or facet.opened_price
        return on_chain(quote_id, facet.status, quantity, price, facet.position_type, party_b=facet.party_b)

    async def allocation_at(self, party_b: str, party_a: str, block: int) -> int:
        self.asked += 1
        told = [fact for fact in self.facts if fact.source.block_number <= block]
        return sum(fact.kind.sign * fact.amount for fact in told if hasattr(fact, "amount"))

    async def headers(self, numbers: Sequence[int]) -> dict[int, BlockRef]:
        return {fact.source.block_number: block_of(fact.source) for fact in self.facts}

    async def blocks(self, first: int, last: int) -> AsyncIterator[DecodedBlock]:
        for number in sorted({fact.source.block_number for fact in self.facts}):
            here = tuple(fact for fact in self.facts if fact.source.block_number == number)
            if first <= number <= last:
                self.read += 1
                yield DecodedBlock(block=block_of(here[0].source), facts=here, rejected=())


class RecordedTrades:
    """The record of trades, straight from the log."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def fills(self, symbol: str, *, since_ms: int) -> list[OwnFill]:
        return [
            OwnFill(
                trade_id=each.event.trade_id,
                client_order_id=each.event.client_order_id,
                quantity=each.event.quantity,
                traded_at_ms=each.event.traded_at_ms,
                log_position=each.position,
            )
            for each in self._world.log.recorded
            if isinstance(each.event, OrderFilled) and each.event.traded_at_ms >= since_ms
        ]

    async def orders(self, symbol: str, venue_order_ids: Sequence[str]) -> dict[str, OwnOrder]:
        return {}

    async def began_ms(self) -> int:
        return 0


class KeptRetelling:
    """Keeps what is told again."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int]] = []
        self.gone: list[tuple[str, ...]] = []
        self.failing: Exception | None = None

    async def blocks(self, first: int, last: int) -> int:
        if self.failing is not None:
            raise self.failing
        self.told.append((first, last))
        return 1

    async def orphaned(self, hashes: Sequence[str], common_ancestor: int, party_as: Iterable[str]) -> None:
        self.gone.append(tuple(hashes))


class Watched:
    """The three sides, the validator that compares them, and what runs its repairs."""

    def __init__(self, world: World, settings: Settings | None = None) -> None:
        self.world, self.views = world, FakeValidatorViews()
        self.history, self.retelling = FakeChainHistory(self.views), KeptRetelling()
        self.party_as: list[str] = []
        trades = TradeComparison(world.venue, RecordedTrades(world))
        self.looker = Looker(
            world.ledger, world.book, world.board, world.venue, self.views, self._party_as, trades, world.policy
        )
        explainer = Explainer(world.ledger, self.history)
        self.validator = PositionValidator(
            world.ledger, self.looker, explainer, settings or propose(), on_foreign=self._note_foreign
        )
        closer = ForeignCloser(world.venue, world.ledger, world.board, tag=TAG, clock_ms=world.clock_ms)
        self.repairer = Repairer(
            world.ledger, self.looker, self.history, self.retelling, world.streams, closer, venue=world.venue.name
        )

    def _note_foreign(self, held: Mapping[str, int]) -> None:
        self.world.book.note_foreign(1, held.get(BTC, 0))

    async def _party_as(self) -> list[str]:
        return self.party_as

    async def recorded(self, looks: int = 2) -> list[Event]:
        """Every event that so many looks record."""
        before = len(self.world.log.recorded)
        for _ in range(looks):
            await self.validator.look_and_record()
        return [each.event for each in self.world.log.recorded[before:]]

    async def told(self, looks: int = 2) -> list[tuple[str, str]]:
        """Kind and subject of the differences that so many looks find, or find resolved."""
        return [
            (event.kind.value, event.subject) if isinstance(event, MismatchFound) else ("resolved", event.subject)
            for event in await self.recorded(looks)
            if isinstance(event, MismatchFound | MismatchResolved)
        ]

    async def found(self, looks: int = 2) -> MismatchFound:
        """The first difference that so many looks find."""
        return next(event for event in await self.recorded(looks) if isinstance(event, MismatchFound))

    def states(self) -> list[tuple[str, str, str]]:
        """Every change of the trading state: scope, state, by whom."""
        changes = (event for event in self.world.events if isinstance(event, TradingStateChanged))
        return [(change.scope, change.state.value, change.by) for change in changes]


def propose(max_notional: str = "1000", **changes: object) -> Settings:
    return Settings(max_notional=wad(max_notional), **changes)  # type: ignore[arg-type]


def run_within(max_notional: str = "1000", **changes: object) -> Settings:
    return propose(max_notional, repair=RepairMode.RUN, **changes)


def on_chain(
    quote_id: int = 7,
    status: QuoteStatus = QuoteStatus.OPENED,
    quantity: int = wad(10),
    price: int = wad("100.5"),
    position: PositionType = PositionType.LONG,
    party_b: str = US,
) -> QuoteView:
    return QuoteView(
        quote_id=quote_id,
        party_bs_whitelist=(),
        symbol_id=1,
        position_type=position,
        order_type=OrderType.MARKET,
        opened_price=price,
        initial_opened_price=price,
        requested_open_price=wad("101"),
        market_price=wad("100"),
        quantity=quantity,
        closed_amount=0,
        initial_locked=Locked(),
        locked=Locked(),
        max_funding_rate=0,
        party_a=TRADER,
        party_b=party_b,
        status=status,
        average_closed_price=0,
        requested_close_price=0,
        quantity_to_close=0,
        parent_id=0,
        created_at=0,
        status_modified_at=0,
        last_funding_at=0,
        deadline=0,
        trading_fee=0,
        affiliate=NOBODY,
    )


def trade(number: int, quantity: str, side: Side = Side.BUY, *, order: str = "v-other", at_ms: int = 50_000) -> Fill:
    """A trade as the account's list tells it: without the client order id."""
    return Fill(
        trade_id=str(number),
        client_order_id="",
        venue_order_id=order,
        symbol=BTC,
        side=side,
        quantity=wad(quantity),
        price=wad(100),
        fee=wad("0.04"),
        fee_asset="USDT",
        traded_at_ms=at_ms,
    )


async def agreeing(settings: Settings | None = None) -> Watched:
    """Chain, venue and log agree on a long of 10, opened at 100.5 in block 103, hedged by one trade of t-7-o1."""
    world, chain = World(), Chain()
    sent = chain.sent()
    await world.told(sent)
    locked = chain.locked()
    await world.reported(succeeded("t-7-lock-1", block=locked.source.block_number))
    await world.told(locked)
    await world.reported(accepted_order("t-7-o1"), filled("t-7-o1", "10"), ended("t-7-o1", "10"))
    opened = chain.opened()
    request = world.recorded(TransactionRequested).event
    assert isinstance(request, TransactionRequested)
    await world.reported(succeeded(request.request_id, block=opened.source.block_number))
    await world.told(opened)
    watched = Watched(world, settings)
    watched.history.facts = [sent, locked, opened]
    watched.views.quotes[7] = on_chain()
    world.venue.held = {BTC: wad(10)}
    return watched


def facts_of(watched: Watched) -> list[ChainFact]:
    """Every chain fact that is recorded."""
    return [each.event for each in watched.world.log.recorded if isinstance(each.event, ChainFact)]


def hold(venue: FakeVenue, quantity: str) -> None:
    venue.held = {BTC: wad(quantity)}
