"""A hedger's inside without an outside: the log in memory, the chain's views and the venue in the test's hand."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec
from fake_venue import BTC, MARKET_NOW, RULES, FakeVenue
from memory_log import MemoryLog

from hedger.adapters.chain.messages import BlockFacts
from hedger.adapters.log.port import Change
from hedger.adapters.streams import topics
from hedger.adapters.streams.port import Handler
from hedger.application.book import Book
from hedger.application.healing import Healer
from hedger.application.inputs import Board, InputsSource
from hedger.application.internal_matching import InternalMatching
from hedger.application.ledger import Ledger
from hedger.application.messages import Logged, Reported
from hedger.application.order_making import OrderMaker
from hedger.application.position_manager import PositionManager
from hedger.application.relay import Relay
from hedger.domain.events import ChainFact, ChainSource, Event, Recorded
from hedger.domain.feed import BlockRef
from hedger.domain.policies.inputs import AccountView
from hedger.domain.policies.policy import Policy
from hedger.domain.quote.quote import Quote
from hedger.domain.terms import TradingState
from hedger.domain.trading import Trading, TradingStateChanged
from tests.domain.given import ACCOUNT, NOW, POLICY, QUOTE_ID, SYMBOL, TAG, TRADER, US, wad

CHAIN_ID, DIAMOND = 31337, "0x" + "dd" * 20
REDELIVER_AFTER_MS = 8_000


class CountingLog(MemoryLog):
    """Keeps which events were appended together."""

    def __init__(self) -> None:
        super().__init__()
        self.appends: list[list[Event]] = []
        self.read: list[UUID] = []  # aggregates that were read

    async def events_of(self, aggregate_id: UUID, *, after_version: int = 0, upto: int | None = None) -> list[Recorded]:
        self.read.append(aggregate_id)
        return await super().events_of(aggregate_id, after_version=after_version, upto=upto)

    async def append(self, changes: Sequence[Change], *, correlation_id: str, causation_id: str) -> list[Recorded]:
        read = len(self.read)
        recorded = await super().append(changes, correlation_id=correlation_id, causation_id=causation_id)
        del self.read[read:]  # its own checks
        self.appends.append([each.event for each in recorded])
        return recorded


@dataclass
class KeptStreams:
    """Keeps what is published."""

    published: list[tuple[str, str, msgspec.Struct]] = field(default_factory=list)

    async def publish(self, topic: str, key: str, message: msgspec.Struct) -> None:
        self.published.append((topic, key, message))

    async def consume(self, topic: str, group: str, handler: Handler) -> None:
        raise AssertionError("nobody consumes here")

    @property
    def reports(self) -> list[Reported]:
        return [message for topic, _, message in self.published if isinstance(message, Reported)]

    @property
    def reported(self) -> list[Event]:
        """Every fact reported, in order."""
        return [fact for message in self.reports for fact in message.facts]

    @property
    def logged(self) -> list[Logged]:
        return [message for topic, _, message in self.published if topic == topics.LOG and isinstance(message, Logged)]


@dataclass
class FakeViews:
    """The contract's views; `failing` is raised, `before` is awaited with PartyA before each answer."""

    view: AccountView = ACCOUNT
    failing: Exception | None = None
    before: Callable[[str], Awaitable[None]] | None = None
    asked: int = 0
    max_rate: int = 0  # what PartyA agreed to, of every quote

    async def account_view(self, party_b: str, party_a: str, block: BlockRef | None = None) -> AccountView:
        self.asked += 1
        if self.before is not None:
            await self.before(party_a)
        if self.failing is not None:
            raise self.failing
        return self.view

    async def max_funding_rate(self, quote_id: int, block: BlockRef | None = None) -> int:
        return 0

    async def max_funding_rates(self, quote_ids: Sequence[int], block: BlockRef | None = None) -> dict[int, int]:
        self.asked += 1
        return dict.fromkeys(quote_ids, self.max_rate)


class World:
    """One process of a hedger over a log; `restarted` is what the next one would be."""

    def __init__(self, policy: Policy = POLICY, log: CountingLog | None = None, now_ms: int = 1_000) -> None:
        self.policy, self.log = policy, log or CountingLog()
        self.now_ms = now_ms
        self.ledger = Ledger(self.log, chain_id=CHAIN_ID, diamond=DIAMOND, party_b=US)
        self.board, self.book = board(self.clock_ms), Book(policy)
        self.views, self.venue, self.streams = FakeViews(), FakeVenue(), KeptStreams()
        self.counted: list[str] = []
        self.inputs = InputsSource(self.board, self.book, self.ledger, self.views, policy)
        self.manager = PositionManager(self.ledger, self.inputs, self.book, policy, observe=self.counted.append)
        self.relay = Relay(self.ledger, self.streams, tag=TAG)
        self.healer = Healer(
            self.ledger,
            self.manager,
            self.book,
            self.relay,
            clock_ms=self.clock_ms,
            redeliver_after_ms=REDELIVER_AFTER_MS,
        )
        self.internal = InternalMatching(self.board)
        self.order_maker = OrderMaker(self.venue, self.ledger, self.streams, self.internal, clock_ms=self.clock_ms)

    def restarted(self) -> "World":
        return World(self.policy, self.log, self.now_ms)

    def clock_ms(self) -> int:
        return self.now_ms

    # --- given and when

    async def told(self, *facts: Any, party_a: str = TRADER) -> None:
        """The chain tells these facts of one PartyA, each in a block of its own, which is then behind us."""
        for fact in facts:
            message = block_facts(fact, party_a=party_a)
            await self.manager.on_block_facts(party_a, message)
            if self.board.head is None or message.block.number > self.board.head.number:
                self.board.head = message.block

    async def reported(self, *facts: Event, quote_id: int = QUOTE_ID, key: str = TRADER) -> None:
        """The venue or the sender reports these together."""
        await self.manager.on_reported(key, Reported(quote_id=quote_id, facts=facts, causation_id="test"))

    async def trading_is(self, state: TradingState, scope: str = "*") -> None:
        changed = TradingStateChanged(scope=scope, state=state, reason="", by="test")
        aggregate_id = Trading.create_id(CHAIN_ID, DIAMOND, US)
        await self.ledger.change(
            self.ledger.trading, aggregate_id, lambda _: [changed], correlation_id="", causation_id=""
        )

    # --- then

    async def quote(self, quote_id: int = QUOTE_ID) -> Quote:
        """The quote as the log has it."""
        quote = Quote.new(CHAIN_ID, DIAMOND, quote_id)
        quote.advance(each.event for each in await self.log.events_of(quote.id))
        return quote

    @property
    def events(self) -> list[Event]:
        return [each.event for each in self.log.recorded]

    def recorded(self, kind: type[Event], nth: int = -1) -> Recorded:
        """The newest event of a kind in the log, or another one."""
        return [each for each in self.log.recorded if isinstance(each.event, kind)][nth]

    def names(self, after: int = 0) -> list[str]:
        """Names of the events in the log past a position."""
        return [type(each.event).__name__ for each in self.log.recorded[after:]]


def board(clock_ms: Callable[[], int]) -> Board:
    """Everything that a decision needs is known."""
    known = Board(clock_ms)
    known.head = BlockRef(number=100, hash="0xhead", parent_hash="0xbefore", timestamp=NOW + 1)
    known.markets, known.rules, known.symbols = {BTC: MARKET_NOW}, {BTC: RULES}, {1: SYMBOL}
    known.venue_margin = wad(100_000)
    return known


def block_facts(*facts: Any, party_a: str = TRADER) -> BlockFacts:
    """The facts of one block; its reference is that of the first."""
    return BlockFacts(block=block_of(facts[0].source), party_a=party_a, facts=facts)


def block_of(source: ChainSource) -> BlockRef:
    return BlockRef(
        number=source.block_number, hash=source.block_hash, parent_hash="", timestamp=source.block_timestamp
    )


def of_quote(fact: Any, quote_id: int, *, party_a: str = TRADER) -> Any:
    """The same fact of another quote, in a block of its own."""
    source = msgspec.structs.replace(fact.source, block_hash=f"{fact.source.block_hash}-{quote_id}")
    changes: dict[str, Any] = {"quote_id": quote_id, "source": source}
    if hasattr(fact, "party_a"):
        changes["party_a"] = party_a
    return msgspec.structs.replace(fact, **changes)


def in_block(fact: ChainFact, block_hash: str, log_index: int = 0) -> Any:
    source = msgspec.structs.replace(fact.source, block_hash=block_hash, log_index=log_index)
    return msgspec.structs.replace(fact, source=source)
