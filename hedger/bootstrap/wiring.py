"""Wires every part of a hedger from its settings, restored from the log and connected; nothing runs yet."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from functools import partial

import aiohttp
import msgspec

from hedger.adapters.chain.decode import BlockDecoder
from hedger.adapters.chain.feed import ChainFeed
from hedger.adapters.chain.gas import FeePolicy, RpcFees
from hedger.adapters.chain.listener import Listener
from hedger.adapters.chain.poller import Poller
from hedger.adapters.chain.quote_owners import QuoteOwners
from hedger.adapters.chain.reader import BlockReader
from hedger.adapters.chain.rpc import RpcPool
from hedger.adapters.chain.signer import LocalSigner
from hedger.adapters.chain.treasury_views import TreasuryViews
from hedger.adapters.chain.view_structs import PARTY_B_EMERGENCY
from hedger.adapters.chain.views import ChainViews
from hedger.adapters.log.port import BlockMark
from hedger.adapters.log.postgres_log import PostgresEventLog
from hedger.adapters.postgres import Pool
from hedger.adapters.streams.in_process import InProcessStreams
from hedger.adapters.venue.ccxt_venue import CcxtVenue
from hedger.application.account_inputs import AccountInputsSource
from hedger.application.account_managing import AccountManager
from hedger.application.alerting_memory import Streak
from hedger.application.book import Book
from hedger.application.doctor import ChainDoctor
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
from hedger.application.rejected_inputs import RejectedInputs, WatchedMuon, WatchedVenue
from hedger.application.relay import Relay
from hedger.application.residual_keeping import ResidualKeeper
from hedger.application.sending import Sender, SenderSettings
from hedger.application.supervision import Fatal
from hedger.application.treasury_keeping import TreasuryKeeper
from hedger.application.venue_income import IncomeMonitor
from hedger.bootstrap.alerting import alerting_of, notifiers_of
from hedger.bootstrap.connections import (
    accounts,
    clock_ms,
    doctor_of,
    ledger_of,
    muon_of,
    opened_log,
    projector_of,
    rpc_of,
    venue_settings,
)
from hedger.bootstrap.patience import patiently
from hedger.bootstrap.validation import Validation
from hedger.config import Settings
from hedger.domain.chain_facts import AccountFact, PartyAFact, QuoteFact, TreasuryFact
from hedger.metrics import Metrics
from streams.topics import GROUPS

_GWEI = 10**9
_MARKS = 512


@asynccontextmanager
async def built(settings: Settings, metrics: Metrics) -> AsyncIterator[tuple[Parts, Pool]]:
    """Every part, restored from the log and connected; nothing runs yet.

    Raises Fatal where the configuration and the chain contradict each other.
    """
    async with AsyncExitStack() as stack:
        log, pool = await stack.enter_async_context(opened_log(settings))
        rpc = await stack.enter_async_context(rpc_of(settings))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        venue = await patiently("venue", partial(CcxtVenue.open, venue_settings(settings), clock_ms=clock_ms))
        stack.push_async_callback(venue.close)
        parts = await _wired(settings, metrics, log, pool, rpc, session, venue)
        stack.push_async_callback(parts.sender.stop)
        yield parts, pool


async def _wired(
    settings: Settings,
    metrics: Metrics,
    log: PostgresEventLog,
    pool: Pool,
    rpc: RpcPool,
    session: aiohttp.ClientSession,
    exchange: CcxtVenue,
) -> Parts:
    chain, policy = settings.chain, settings.to_policy()
    await _refuse_contradictions(settings, doctor_of(settings, rpc, session))
    ledger = ledger_of(settings, log)
    rejected = RejectedInputs(ledger, clock_ms=clock_ms, observe=metrics.count)
    notifiers, oracle = notifiers_of(settings), Streak(clock_ms)
    venue = WatchedVenue(exchange, rejected)
    board, book, new_head = Board(clock_ms), Book(policy), NewHead()
    streams = InProcessStreams(GROUPS)
    views = ChainViews(rpc, chain.diamond, chain_id=chain.chain_id)
    inputs = InputsSource(board, book, ledger, views, policy)
    lanes = Lanes()
    manager = PositionManager(ledger, inputs, book, policy, lanes=lanes, observe=metrics.count)
    the_relay = Relay(ledger, streams, tag=policy.tag)
    account_manager = AccountManager(
        ledger,
        AccountInputsSource(board, book, ledger, views, policy),
        book.allocations,
        FundsKeeper(ledger, board, book, policy),
        policy,
        the_relay,
        partial(accounts, pool),
        lanes=lanes,
        clock_ms=clock_ms,
        redeliver_after_ms=int(settings.timing.redeliver_after_s * 1000),
        observe=metrics.count,
    )
    healer = Healer(
        ledger,
        manager,
        book,
        the_relay,
        clock_ms=clock_ms,
        redeliver_after_ms=int(settings.timing.redeliver_after_s * 1000),
    )
    the_projector = projector_of(settings, log, pool)
    feed = ChainFeed(
        chain_id=chain.chain_id,
        reader=BlockReader(rpc, chain.diamond, collector="sequencer"),
        decoder=BlockDecoder(chain.chain_id, legacy=chain.legacy_events),
        owners=QuoteOwners(views.owners),
        streams=streams,
        start=chain.start_block,
        recall=partial(_recorded_blocks, log, ledger),
        keys_of_blocks=partial(_accounts_told_in, log, ledger),
        confirmations=chain.confirmations,
    )
    the_sender = Sender(
        ledger,
        rpc,
        WatchedMuon(muon_of(settings, session), rejected, heard=oracle.heard),
        LocalSigner(settings.sender.key),
        RpcFees(rpc, _fee_policy(settings)),
        streams,
        _sender_settings(settings),
        heads=new_head.wait,
        symbol_name=lambda symbol_id: board.symbols[symbol_id].name if symbol_id in board.symbols else "",
        observe=metrics.count,
    )

    internal = InternalMatching(board)
    residual_keeper = ResidualKeeper(
        ledger,
        book,
        board,
        policy,
        the_relay,
        clock_ms=clock_ms,
        redeliver_after_ms=int(settings.timing.redeliver_after_s * 1000),
    )

    async def read_protocol() -> None:
        await _read_protocol(board, ledger, views)

    validation = Validation(settings, ledger, book, board, venue, views, rpc, pool)
    validator = validation.validator()
    parts = Parts(
        log=log,
        ledger=ledger,
        streams=streams,
        board=board,
        book=book,
        heads=Heads(clock_ms),
        feed=feed,
        listener=Listener(chain.ws_url, chain.diamond, feed.take) if chain.ws_url else None,
        poller=Poller(BlockReader(rpc, chain.diamond, collector="poller"), feed.take, poll_s=chain.poll_s),
        venue=venue,
        manager=manager,
        account_manager=account_manager,
        funding_monitor=FundingMonitor(venue, board.funding),
        residual_keeper=residual_keeper,
        relay=the_relay,
        healer=healer,
        order_maker=OrderMaker(venue, ledger, streams, internal, clock_ms=clock_ms, observe=metrics.count),
        stream_monitor=StreamMonitor(
            venue, ledger, streams, tag=policy.tag, sleep=asyncio.sleep, on_stranger=validator.call
        ),
        poll_monitor=PollMonitor(venue, ledger, book, streams, internal),
        income_monitor=IncomeMonitor(venue, ledger),
        treasury_keeper=TreasuryKeeper(ledger),
        sender=the_sender,
        projector=the_projector,
        validator=validator,
        repairer=validation.repairer(streams),
        timing=Timing(
            heal_s=settings.timing.heal_s,
            venue_poll_s=settings.venue.poll_s,
            income_poll_s=settings.venue.income_poll_s,
            validate_s=settings.timing.validate_s,
            tend_s=settings.timing.tend_s,
            watch_s=settings.timing.watch_s,
        ),
        clock_ms=clock_ms,
        read_protocol=read_protocol,
        relay_after=await log.head(),
        new_head=new_head,
    )
    parts.alerting = alerting_of(
        settings,
        parts,
        pool,
        notifiers,
        rpc=rpc,
        views=views,
        oracle=oracle,
        observe=metrics.set_open_alerts,
    )
    await _restore(parts, pool)
    opening = OpeningState(
        ledger,
        TreasuryViews(rpc, chain.diamond),
        views,
        venue,
        symbol_of=lambda symbol_id: board.symbols[symbol_id].name if symbol_id in board.symbols else "",
        start_block=chain.start_block,
    )
    party_as = await accounts(pool)
    await patiently("chain and venue", partial(opening.take_once, party_as))
    return parts


async def _restore(parts: Parts, pool: Pool) -> None:
    """Bring memory to where the log is: read models, live quotes, the contract's and the venue's terms."""
    await parts.projector.catch_up()
    async with pool.connection() as connection:
        rows = await (
            await connection.execute("SELECT quote_id FROM quotes WHERE is_live ORDER BY quote_id")
        ).fetchall()
    await parts.healer.restore([row[0] for row in rows])
    await parts.read_protocol()
    await parts.residual_keeper.restore()
    await parts.validator.restore()
    await parts.account_manager.restore()
    await patiently("venue", partial(_read_venue, parts))


async def _read_venue(parts: Parts) -> None:
    parts.board.rules = await parts.venue.rules()
    parts.board.markets = await parts.venue.markets()
    margin = await parts.venue.margin()
    parts.board.venue_margin, parts.board.venue_wallet = margin.available, margin.wallet
    parts.board.venue_offset_ms = await parts.venue.time_ms() - clock_ms()
    parts.seen("venue")
    parts.seen("venue_answers")


async def _recorded_blocks(log: PostgresEventLog, ledger: Ledger) -> tuple[list[BlockMark], int | None]:
    """The newest blocks of recorded facts, and the last one up to which everything is recorded."""
    return await log.recent_blocks(ledger.chain_id, limit=_MARKS), (await ledger.feed()).checkpoint or None


async def _accounts_told_in(log: PostgresEventLog, ledger: Ledger, block_hashes: Sequence[str]) -> set[str]:
    """Every address of which these blocks told a fact that is recorded."""
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


async def _refuse_contradictions(settings: Settings, doctor: ChainDoctor) -> None:
    """Raises Fatal with one line for each key that the chain contradicts."""
    wrong = [finding for finding in await doctor.contradictions(settings.sender.key) if not finding.ok]
    if wrong:
        lines = "\n".join(f"  {finding.key}: {finding.detail}" for finding in wrong)
        raise Fatal(f"the chain contradicts the configuration:\n{lines}")


async def _read_protocol(board: Board, ledger: Ledger, views: ChainViews) -> None:
    """Symbols and parameters as the contract has them now; recorded where they changed."""
    symbols = await views.symbols()
    gaps = await views.force_close_gaps([symbol.symbol_id for symbol in symbols])
    board.symbols = {symbol.symbol_id: symbol.as_terms(gaps.get(symbol.symbol_id, 0)) for symbol in symbols}
    read = (await views.protocol()).read
    if await views.is_party_b_in_emergency(ledger.party_b):
        read = msgspec.structs.replace(read, paused=(*read.paused, PARTY_B_EMERGENCY))
    board.protocol = read
    feed = await ledger.feed()
    async with ledger.lock(feed.id):
        feed = await ledger.feed()
        draft, known = Draft(feed), feed.protocol
        if known is None or msgspec.structs.replace(known, block_number=read.block_number) != read:
            draft.add([read])
            await ledger.save([draft], correlation_id="feed", causation_id=f"block:{read.block_number}")


def _fee_policy(settings: Settings) -> FeePolicy:
    section = settings.sender
    cap = int(section.max_fee_gwei * _GWEI)
    percent = int(section.base_fee_multiplier * 100)
    return FeePolicy(
        base_fee_percent=percent,
        gas_price_percent=percent if section.fee_mode == "legacy" else FeePolicy().gas_price_percent,
        least_tip_wei=int(section.priority_fee_gwei * _GWEI),
        cap_wei=cap,
        replacement_cap_wei=2 * cap,  # or what was signed near the cap could be neither replaced nor cancelled
    )


def _sender_settings(settings: Settings) -> SenderSettings:
    section = settings.sender
    return SenderSettings(
        poll_s=section.receipt_poll_s,
        replace_after_s=section.replace_after_s,
        gas_margin_percent=int(section.gas_margin * Decimal(100)),
        held_signature_s=settings.muon.prefetched_for_s,
    )
