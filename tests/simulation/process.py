"""One process of the hedger: the real parts, wired as bootstrap wires them, over the models; it may die anywhere."""

import asyncio
import contextvars
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, cast

from pydantic import SecretStr

from hedger.adapters.chain.decode import BlockDecoder
from hedger.adapters.chain.feed import ChainFeed
from hedger.adapters.chain.gas import FeePolicy, RpcFees
from hedger.adapters.chain.listener import Listener
from hedger.adapters.chain.poller import Poller
from hedger.adapters.chain.quote_owners import QuoteOwners
from hedger.adapters.chain.reader import BlockReader
from hedger.adapters.chain.rpc import RpcPool
from hedger.adapters.chain.signer import LocalSigner
from hedger.adapters.log.port import BlockMark
from hedger.adapters.streams.in_process import InProcessStreams
from hedger.application.account_inputs import AccountInputsSource
from hedger.application.account_managing import AccountManager
from hedger.application.book import Book
from hedger.application.funding_rates import FundingMonitor
from hedger.application.funds_keeping import FundsKeeper
from hedger.application.heads import Heads
from hedger.application.healing import Healer
from hedger.application.inputs import Board, InputsSource
from hedger.application.internal_matching import InternalMatching
from hedger.application.lanes import Lanes
from hedger.application.ledger import Draft, Ledger
from hedger.application.opening_state import OpeningState
from hedger.application.order_making import OrderMaker
from hedger.application.order_monitoring import PollMonitor, StreamMonitor
from hedger.application.parts import NewHead, Parts, Timing
from hedger.application.position_manager import PositionManager
from hedger.application.position_validator import PositionValidator
from hedger.application.relay import Relay
from hedger.application.residual_keeping import ResidualKeeper
from hedger.application.sending import Sender, SenderSettings
from hedger.application.supervision import Fatal, supervised
from hedger.application.treasury_keeping import TreasuryKeeper
from hedger.application.validation.repairing import Repairer
from hedger.application.venue_income import IncomeMonitor
from hedger.domain.chain_facts import AccountFact, PartyAFact, QuoteFact, TreasuryFact
from hedger.domain.policies.decide import needs_attention
from hedger.domain.policies.policy import Policy
from hedger.domain.quote.quote import Quote
from hedger.projections.engine import Projector
from streams import (
    account_manager,
    listener,
    order_maker,
    order_monitor,
    poller,
    position_manager,
    pricing,
    relay,
    residual_keeper,
    sender,
    sequencer,
)
from streams.topics import GROUPS
from tests.simulation.faults import Weather
from tests.simulation.kept_log import KeptLog, LogPort
from tests.simulation.model_balances import ModelBalances
from tests.simulation.model_chain import FIRST_BLOCK, ModelChain
from tests.simulation.model_rpc import ModelRpc, collected_block
from tests.simulation.model_state import CHAIN_ID, DIAMOND, US
from tests.simulation.model_venue import ModelVenue
from tests.simulation.model_views import TERMS, ModelMuon, ModelViews
from tests.simulation.venue_port import VenuePort
from tests.simulation.virtual_time import MEMBER_OF, VirtualLoop

KEY = "0x" + "0b" * 32
EPOCH_MS = 1_700_000_000_000
ROLES: dict[str, Callable[[Parts], Awaitable[None]]] = {
    "sequencer": sequencer.run,
    "listener": listener.run,
    "poller": poller.run,
    "position_manager": position_manager.run,
    "account_manager": account_manager.run,
    "order_maker": order_maker.run,
    "order_monitor": order_monitor.run,
    "sender": sender.run,
    "relay": relay.run,
    "residual_keeper": residual_keeper.run,
    "pricing": pricing.run,
}
SENDING = SenderSettings(replace_after_s=20.0, rebroadcast_s=8.0, tend_s=15.0, muon_pause_s=0.5)


class HeadListener:
    """Tells blocks as they come, sometimes twice, late, or not at all; and of branches that were left."""

    def __init__(self, loop: VirtualLoop, chain: ModelChain, weather: Weather, feed: ChainFeed) -> None:
        self._loop, self._chain, self._weather, self._feed = loop, chain, weather, feed

    async def run(self) -> None:
        seen = ""
        while True:
            await asyncio.sleep(self._weather.takes(0.3))
            block = self._chain.head
            if block.hash == seen or self._weather.is_away("rpc", self._loop.time()):
                continue
            seen = block.hash
            if self._weather.happens(self._weather.stream_lost):
                continue
            if self._weather.happens(self._weather.stream_twice):
                await self._feed.take(collected_block(block, "listener"))
                orphans = self._chain.left_branch or []
                for each in orphans[-1:]:
                    await self._feed.take(collected_block(each, "listener"))
            await self._feed.take(collected_block(block, "listener"))


class Process:
    """Runs until it is killed; nothing of it is left then but what it had sent and recorded."""

    def __init__(
        self,
        loop: VirtualLoop,
        chain: ModelChain,
        venue: ModelVenue,
        kept: KeptLog,
        weather: Weather,
        policy: Policy,
        counted: "Counter[str]",
    ) -> None:
        self._loop, self._chain, self._venue, self._kept = loop, chain, venue, kept
        self._weather, self._policy, self._counted = weather, policy, counted
        self.tasks: list[asyncio.Task[Any]] = []
        self.is_alive = True
        self.parts: Parts | None = None

    def start(self) -> None:
        context = contextvars.copy_context()
        context.run(MEMBER_OF.set, self.tasks)
        self._loop.create_task(self._run(), context=context)

    def kill(self) -> None:
        """From this moment nothing of it reaches the outside."""
        self.is_alive = False
        for task in self.tasks:
            task.cancel()

    async def buried(self) -> None:
        """Every task has ended."""
        for _ in range(200):
            left = [task for task in self.tasks if not task.done()]
            if not left:
                return
            for task in left:
                task.cancel()
            await asyncio.sleep(0)
        raise AssertionError(f"tasks outlive their process: {[task.get_name() for task in left]}")

    def _gate(self) -> None:
        if not self.is_alive:
            raise asyncio.CancelledError

    def _observe(self, name: str, **labels: str) -> None:
        self._counted[name] += 1

    async def _run(self) -> None:
        """As an operating system would: what ends by an error is started again."""
        while True:
            try:
                self.parts = await self._built()
                await self._run_roles(self.parts)
            except asyncio.CancelledError:
                raise
            except BaseException as error:
                self._observe(f"process ended: {_name_of(error)}")
            await asyncio.sleep(2.0)

    async def _run_roles(self, parts: Parts) -> None:
        await parts.sender.recover()
        async with asyncio.TaskGroup() as tasks:
            for name, role in ROLES.items():
                tasks.create_task(
                    supervised(
                        name,
                        partial(role, parts),
                        fatal=(Fatal,),
                        clock_s=self._loop.time,
                        observe=partial(self._observe_role, name),
                    ),
                    name=name,
                )
            await parts.healer.tell_outstanding()
            await parts.account_manager.tell_outstanding()
            await parts.residual_keeper.tell_outstanding()

    def _observe_role(self, role: str, name: str) -> None:
        self._observe(f"{name}: {role}")

    async def _built(self) -> Parts:
        loop, policy = self._loop, self._policy
        log = LogPort(loop, self._kept, self._weather, self._gate)
        rpc = cast(RpcPool, ModelRpc(loop, self._chain, self._weather, self._gate))
        venue = VenuePort(loop, self._venue, self._weather, self._gate)
        views = ModelViews(loop, self._chain, self._weather, self._gate)
        muon = ModelMuon(loop, self._chain, self._venue, self._weather, self._gate)
        ledger = Ledger(log, chain_id=CHAIN_ID, diamond=DIAMOND, party_b=US)
        board, book, new_head = Board(self._clock_ms), Book(policy), NewHead()
        streams = InProcessStreams(GROUPS)
        inputs = InputsSource(board, book, ledger, views, policy)
        lanes = Lanes()
        manager = PositionManager(ledger, inputs, book, policy, lanes=lanes, observe=self._observe)
        the_relay = Relay(ledger, streams, tag=policy.tag)
        account_manager = AccountManager(
            ledger,
            AccountInputsSource(board, book, ledger, views, policy),
            book.allocations,
            FundsKeeper(ledger, board, book, policy),
            policy,
            the_relay,
            self._party_as,
            lanes=lanes,
            clock_ms=self._clock_ms,
            redeliver_after_ms=8_000,
            observe=self._observe,
        )
        healer = Healer(ledger, manager, book, the_relay, clock_ms=self._clock_ms, redeliver_after_ms=8_000)
        feed = ChainFeed(
            chain_id=CHAIN_ID,
            reader=BlockReader(rpc, DIAMOND, collector="sequencer"),
            decoder=BlockDecoder(CHAIN_ID),
            owners=QuoteOwners(views.owners),
            streams=streams,
            start=FIRST_BLOCK,
            recall=partial(_recorded_blocks, log, ledger),
            keys_of_blocks=partial(_accounts_told_in, log, ledger),
        )
        the_sender = Sender(
            ledger,
            rpc,
            muon,
            LocalSigner(SecretStr(KEY)),
            RpcFees(rpc, FeePolicy()),
            streams,
            SENDING,
            clock=loop.time,
            heads=new_head.wait,
            symbol_name=lambda symbol_id: TERMS[symbol_id].name if symbol_id in TERMS else "",
            observe=self._observe,
        )
        internal = InternalMatching(board)
        parts = Parts(
            log=log,
            ledger=ledger,
            streams=streams,
            board=board,
            book=book,
            heads=Heads(self._clock_ms),
            feed=feed,
            listener=cast(Listener, HeadListener(loop, self._chain, self._weather, feed)),
            poller=Poller(BlockReader(rpc, DIAMOND, collector="poller"), feed.take, poll_s=1.0),
            venue=venue,
            manager=manager,
            account_manager=account_manager,
            funding_monitor=FundingMonitor(venue, board.funding),
            residual_keeper=ResidualKeeper(
                ledger, book, board, policy, the_relay, clock_ms=self._clock_ms, redeliver_after_ms=8_000
            ),
            relay=the_relay,
            healer=healer,
            order_maker=OrderMaker(venue, ledger, streams, internal, clock_ms=self._clock_ms, observe=self._observe),
            stream_monitor=StreamMonitor(venue, ledger, streams, tag=policy.tag, sleep=asyncio.sleep),
            poll_monitor=PollMonitor(venue, ledger, book, streams, internal),
            income_monitor=IncomeMonitor(venue, ledger),
            treasury_keeper=TreasuryKeeper(ledger),
            sender=the_sender,
            projector=cast(Projector, None),
            validator=cast(PositionValidator, None),
            repairer=cast(Repairer, None),
            timing=Timing(heal_s=3.0, venue_poll_s=4.0, income_poll_s=9.0, validate_s=10.0, tend_s=5.0, watch_s=1.0),
            clock_ms=self._clock_ms,
            read_protocol=partial(_read_protocol, board, ledger, views),
            relay_after=await log.head(),
            new_head=new_head,
        )
        await self._restore(parts)
        balances = ModelBalances(loop, self._chain, self._weather, self._gate)
        opening = OpeningState(
            ledger,
            balances,
            balances,
            venue,
            symbol_of=lambda symbol_id: TERMS[symbol_id].name,
            start_block=FIRST_BLOCK,
        )
        await opening.take_once()
        return parts

    async def _restore(self, parts: Parts) -> None:
        await parts.healer.restore(self._live())
        await parts.account_manager.restore()
        await parts.read_protocol()
        await parts.residual_keeper.restore()
        parts.board.rules = await parts.venue.rules()
        parts.board.markets = await parts.venue.markets()
        parts.board.venue_margin = (await parts.venue.margin()).available
        parts.board.venue_offset_ms = await parts.venue.time_ms() - self._clock_ms()

    async def _party_as(self) -> list[str]:
        """What the read model of accounts has."""
        told = (recorded.event for recorded in self._kept.recorded)
        return sorted({fact.party_a for fact in told if isinstance(fact, AccountFact) and fact.party_b == US})

    def _live(self) -> list[int]:
        """What the read model of quotes marks as live."""
        quotes = quotes_of(self._kept)
        return sorted(quote_id for quote_id, quote in quotes.items() if needs_attention(quote, self._policy))

    def _clock_ms(self) -> int:
        return EPOCH_MS + self._loop.now_ms()


def quotes_of(kept: KeptLog) -> dict[int, Quote]:
    """Every quote as the log has it."""
    quotes: dict[int, Quote] = {}
    ids = {each.event.quote_id for each in kept.recorded if isinstance(each.event, QuoteFact)}
    for quote_id in sorted(ids):
        quote = Quote.new(CHAIN_ID, DIAMOND, quote_id)
        quote.advance(each.event for each in kept.by_aggregate.get(quote.id, ()))
        quotes[quote_id] = quote
    return quotes


async def _recorded_blocks(log: LogPort, ledger: Ledger) -> tuple[list[BlockMark], int | None]:
    return await log.recent_blocks(CHAIN_ID, limit=512), (await ledger.feed()).checkpoint or None


async def _accounts_told_in(log: LogPort, ledger: Ledger, block_hashes: Sequence[str]) -> set[str]:
    party_as = set[str]()
    for recorded in await log.told_in(block_hashes):
        match recorded.event:
            case QuoteFact():
                quote = await ledger.quote(recorded.event.quote_id)
                party_as.add(quote.chain.party_a if quote.chain is not None else "")
            case AccountFact() | PartyAFact():
                party_as.add(recorded.event.party_a)
            case TreasuryFact():
                party_as.add(recorded.event.holder)
            case _:
                pass
    return party_as - {""}


async def _read_protocol(board: Board, ledger: Ledger, views: ModelViews) -> None:
    board.symbols, read = await views.protocol()
    board.protocol = read
    feed = await ledger.feed()
    async with ledger.lock(feed.id):
        feed = await ledger.feed()
        if feed.protocol != read:
            draft = Draft(feed)
            draft.add([read])
            await ledger.save([draft], correlation_id="feed", causation_id="block:1")


def _name_of(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"
