"""Builds a hedger from its settings, and runs it: the one place where everything is wired."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from decimal import Decimal
from functools import partial

import aiohttp
import msgspec
import structlog

from hedger.adapters.chain.decode import BlockDecoder
from hedger.adapters.chain.feed import ChainFeed
from hedger.adapters.chain.gas import FeePolicy, RpcFees
from hedger.adapters.chain.listener import Listener
from hedger.adapters.chain.poller import Poller
from hedger.adapters.chain.quote_owners import QuoteOwners
from hedger.adapters.chain.reader import BlockReader
from hedger.adapters.chain.rpc import RpcPool
from hedger.adapters.chain.sequencer import ReorgTooDeep
from hedger.adapters.chain.signer import LocalSigner
from hedger.adapters.chain.views import ChainViews
from hedger.adapters.log.codec import EventCodec
from hedger.adapters.log.port import LogUnavailable
from hedger.adapters.log.postgres_log import PostgresEventLog
from hedger.adapters.muon import MuonClient
from hedger.adapters.postgres import Pool, open_pool, running_postgres
from hedger.adapters.streams.in_process import InProcessStreams
from hedger.adapters.venue.ccxt_venue import CcxtVenue
from hedger.adapters.venue.doctor import examine as examine_venue
from hedger.adapters.venue.settings import VenueSettings
from hedger.application.book import Book
from hedger.application.doctor import Advice, ChainDoctor
from hedger.application.heads import Heads
from hedger.application.healing import Healer
from hedger.application.inputs import Board, InputsSource
from hedger.application.ledger import Draft, Ledger
from hedger.application.order_making import OrderMaker
from hedger.application.order_monitoring import PollMonitor, StreamMonitor
from hedger.application.parts import NewHead, Parts, Timing
from hedger.application.position_manager import PositionManager
from hedger.application.position_validator import PositionValidator, Verdict
from hedger.application.relay import Relay
from hedger.application.sending import Sender, SenderSettings
from hedger.application.supervision import Fatal, supervised
from hedger.config import Settings
from hedger.domain.catalogue import ALL_EVENTS
from hedger.metrics import Metrics
from hedger.projections.catalogue import all_projections
from hedger.projections.engine import Projector
from streams import (
    listener,
    order_maker,
    order_monitor,
    poller,
    position_manager,
    position_validator,
    pricing,
    projector,
    relay,
    sender,
    sequencer,
)
from streams.topics import GROUPS

logger = structlog.get_logger(__name__)

LOG_NAME = "hedger"
_GWEI = 10**9
_MARKS = 512

ROLES: dict[str, Callable[[Parts], Awaitable[None]]] = {
    "sequencer": sequencer.run,
    "listener": listener.run,
    "poller": poller.run,
    "position_manager": position_manager.run,
    "order_maker": order_maker.run,
    "order_monitor": order_monitor.run,
    "sender": sender.run,
    "relay": relay.run,
    "projector": projector.run,
    "pricing": pricing.run,
    "position_validator": position_validator.run,
}


def clock_ms() -> int:
    """This machine's clock; given to whoever may read a clock."""
    return time.time_ns() // 1_000_000


def codec() -> EventCodec:
    return EventCodec(ALL_EVENTS)


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """URL of the configured database, or of an embedded one that runs meanwhile."""
    with running_postgres(settings.database.url.get_secret_value() or None, settings.state_dir) as url:
        yield url


@asynccontextmanager
async def opened_log(settings: Settings) -> AsyncIterator[tuple[PostgresEventLog, Pool]]:
    """The log and a pool on its database."""
    with database(settings) as url:
        log = await PostgresEventLog.open(url, codec(), clock_ms, LOG_NAME)
        pool = await open_pool(url)
        try:
            yield log, pool
        finally:
            await pool.close()
            await log.close()


def ledger_of(settings: Settings, log: PostgresEventLog) -> Ledger:
    chain = settings.chain
    return Ledger(log, chain_id=chain.chain_id, diamond=chain.diamond, party_b=chain.party_b)


def projector_of(settings: Settings, log: PostgresEventLog, pool: Pool) -> Projector:
    return Projector(log, pool, all_projections(settings.chain.party_b), transient=(LogUnavailable,))


def venue_settings(settings: Settings) -> VenueSettings:
    section = settings.venue
    return VenueSettings(
        api_key=section.api_key.get_secret_value(),
        secret=section.secret.get_secret_value(),
        symbols=tuple(settings.policy.symbols),
        exchange=section.exchange,
        base_url=section.base_url or None,
        # Never half of each: what trades at another server must not listen to the exchange itself.
        ws_url=section.ws_url or section.base_url.replace("http", "ws", 1) or None,
        sandbox=section.sandbox,
        recv_window_ms=section.recv_window_ms,
        timeout_ms=section.timeout_ms,
    )


@asynccontextmanager
async def rpc_of(settings: Settings) -> AsyncIterator[RpcPool]:
    """The chain's endpoints, over one session that keeps its connections."""
    connector = aiohttp.TCPConnector(limit=64, keepalive_timeout=60)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield RpcPool(settings.chain.rpc_urls, session, timeout_s=settings.chain.request_timeout_s)


def muon_of(settings: Settings, session: aiohttp.ClientSession) -> MuonClient:
    return MuonClient(
        settings.muon.urls,
        diamond=settings.chain.diamond,
        chain_id=settings.chain.chain_id,
        session=session,
        timeout_s=settings.muon.timeout_s,
    )


@asynccontextmanager
async def built(settings: Settings, metrics: Metrics) -> AsyncIterator[tuple[Parts, Pool]]:
    """Every part, restored from the log and connected; nothing runs yet.

    Raises Fatal where the configuration and the chain contradict each other.
    """
    async with AsyncExitStack() as stack:
        log, pool = await stack.enter_async_context(opened_log(settings))
        rpc = await stack.enter_async_context(rpc_of(settings))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        venue = await CcxtVenue.open(venue_settings(settings), clock_ms=clock_ms)
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
    venue: CcxtVenue,
) -> Parts:
    chain, policy = settings.chain, settings.to_policy()
    await _check_chain(rpc, chain.chain_id)
    ledger = ledger_of(settings, log)
    board, book, new_head = Board(clock_ms), Book(policy), NewHead()
    streams = InProcessStreams(GROUPS)
    views = ChainViews(rpc, chain.diamond, chain_id=chain.chain_id)
    inputs = InputsSource(board, book, ledger, views)
    manager = PositionManager(ledger, inputs, book, policy, observe=metrics.count)
    the_relay = Relay(ledger, streams, tag=policy.tag)
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
        marks=await log.recent_blocks(chain.chain_id, limit=_MARKS),
        confirmations=chain.confirmations,
    )
    the_sender = Sender(
        ledger,
        rpc,
        muon_of(settings, session),
        LocalSigner(settings.sender.key),
        RpcFees(rpc, _fee_policy(settings)),
        streams,
        _sender_settings(settings),
        heads=new_head.wait,
        symbol_name=lambda symbol_id: board.symbols[symbol_id].name if symbol_id in board.symbols else "",
        observe=metrics.count,
    )

    async def read_protocol() -> None:
        await _read_protocol(board, ledger, views)

    parts = Parts(
        log=log,
        ledger=ledger,
        streams=streams,
        board=board,
        book=book,
        heads=Heads(),
        feed=feed,
        listener=Listener(chain.ws_url, chain.diamond, feed.take) if chain.ws_url else None,
        poller=Poller(BlockReader(rpc, chain.diamond, collector="poller"), feed.take, poll_s=chain.poll_s),
        venue=venue,
        manager=manager,
        relay=the_relay,
        healer=healer,
        order_maker=OrderMaker(venue, ledger, streams, clock_ms=clock_ms, observe=metrics.count),
        stream_monitor=StreamMonitor(venue, ledger, streams, tag=policy.tag, sleep=asyncio.sleep),
        poll_monitor=PollMonitor(venue, ledger, book, streams),
        sender=the_sender,
        projector=the_projector,
        validator=PositionValidator(ledger, book, board, venue, views, partial(accounts, pool)),
        timing=Timing(
            heal_s=settings.timing.heal_s,
            venue_poll_s=settings.venue.poll_s,
            validate_s=settings.timing.validate_s,
        ),
        clock_ms=clock_ms,
        read_protocol=read_protocol,
        relay_after=await log.head(),
        new_head=new_head,
    )
    await _restore(parts, pool)
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
    parts.board.rules = await parts.venue.rules()
    parts.board.markets = await parts.venue.markets()
    parts.board.venue_margin = (await parts.venue.margin()).available
    parts.board.venue_offset_ms = await parts.venue.time_ms() - clock_ms()
    parts.seen("venue")


async def run_all(parts: Parts, metrics: Metrics, *, ready: Callable[[], None]) -> None:
    """Run every role until cancelled. What was under way when the process last died goes on first."""
    await parts.sender.recover()
    async with asyncio.TaskGroup() as tasks:
        for name, role in ROLES.items():
            if name == "listener" and parts.listener is None:
                continue
            tasks.create_task(
                supervised(
                    name,
                    partial(role, parts),
                    fatal=(Fatal, ReorgTooDeep),
                    clock_s=time.monotonic,
                    observe=metrics.count,
                ),
                name=name,
            )
        await parts.healer.tell_outstanding()
        ready()


async def stopped_by_signal() -> str:
    """Waits for SIGTERM or SIGINT; the signal's name."""
    loop = asyncio.get_running_loop()
    told: asyncio.Future[str] = loop.create_future()

    def tell(name: str) -> None:
        if not told.done():
            told.set_result(name)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, tell, number.name)
    return await told


async def _check_chain(rpc: RpcPool, chain_id: int) -> None:
    told = int(await rpc.call("eth_chainId"), 16)
    if told != chain_id:
        raise Fatal(f"chain.chain_id is {chain_id}, but the endpoint of chain.rpc_urls serves chain {told}")


async def _read_protocol(board: Board, ledger: Ledger, views: ChainViews) -> None:
    """Symbols and parameters as the contract has them now; recorded where they changed."""
    board.symbols = {symbol.symbol_id: symbol.as_terms() for symbol in await views.symbols()}
    read = (await views.protocol()).read
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
        replacement_cap_wei=cap,
    )


def _sender_settings(settings: Settings) -> SenderSettings:
    section = settings.sender
    return SenderSettings(
        poll_s=section.receipt_poll_s,
        replace_after_s=section.replace_after_s,
        gas_margin_percent=int(section.gas_margin * Decimal(100)),
        held_signature_s=settings.muon.prefetched_for_s,
    )


Look = Callable[[], Awaitable[Verdict]]


@asynccontextmanager
async def validating(settings: Settings) -> AsyncIterator[Look]:
    """The position validator alone, beside a hedger that runs or not: each call reads everything anew."""
    async with AsyncExitStack() as stack:
        log, pool = await stack.enter_async_context(opened_log(settings))
        rpc = await stack.enter_async_context(rpc_of(settings))
        venue = await CcxtVenue.open(venue_settings(settings), clock_ms=clock_ms)
        stack.push_async_callback(venue.close)
        chain, policy = settings.chain, settings.to_policy()
        views = ChainViews(rpc, chain.diamond, chain_id=chain.chain_id)

        async def look() -> Verdict:
            ledger, book, board = ledger_of(settings, log), Book(policy), Board(clock_ms)
            await projector_of(settings, log, pool).catch_up()
            for quote_id in await live_quotes(pool):
                book.note(await ledger.quote(quote_id))
            board.symbols = {symbol.symbol_id: symbol.as_terms() for symbol in await views.symbols()}
            board.rules, board.head = await venue.rules(), await views.head()
            return await PositionValidator(ledger, book, board, venue, views, partial(accounts, pool)).look()

        yield look


async def live_quotes(pool: Pool) -> list[int]:
    """Ids of the quotes that may need something, as the read model has them."""
    async with pool.connection() as connection:
        rows = await connection.execute("SELECT quote_id FROM quotes WHERE is_live ORDER BY quote_id")
        return [row[0] for row in await rows.fetchall()]


async def accounts(pool: Pool) -> list[str]:
    """Every PartyA that the log knows an account with, as the read model has them."""
    async with pool.connection() as connection:
        rows = await connection.execute("SELECT party_a FROM accounts ORDER BY party_a")
        return [row[0] for row in await rows.fetchall()]


async def examined(settings: Settings) -> list[Advice]:
    """The doctor's findings on chain, oracle, exchange and database."""
    async with AsyncExitStack() as stack:
        rpc = await stack.enter_async_context(rpc_of(settings))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        chain = settings.chain
        doctor = ChainDoctor(
            rpc,
            ChainViews(rpc, chain.diamond, chain_id=chain.chain_id),
            muon_of(settings, session),
            chain_id=chain.chain_id,
            diamond=chain.diamond,
            party_b=chain.party_b,
            through_proxy=chain.through_proxy,
            symbols=list(settings.policy.symbols),
            clock_s=time.time,
        )
        findings = await doctor.examine(settings.sender.key)
        for look in await examine_venue(venue_settings(settings), clock_ms=clock_ms):
            findings.append(Advice(name=f"venue {look.name}", ok=look.ok, key="venue", detail=look.detail))
        return [*findings, await _database(settings)]


async def _database(settings: Settings) -> Advice:
    try:
        async with opened_log(settings) as (log, _):
            return Advice(
                name="database", ok=True, key="database.url", detail=f"the log holds {await log.head()} events"
            )
    except Exception as error:
        # Whatever a driver says may hold the URL's password.
        return Advice(name="database", ok=False, key="database.url", detail=f"cannot be used: {type(error).__name__}")


@asynccontextmanager
async def serving(settings: Settings, parts: Parts, pool: Pool, metrics: Metrics) -> AsyncIterator[str]:
    """The API on its port; yields its URL."""
    yield ""
