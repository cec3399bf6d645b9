"""Connections to what is outside: database and log, chain endpoints, oracle, exchange."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import aiohttp

from hedger.adapters.chain.rpc import RpcPool
from hedger.adapters.chain.views import ChainViews
from hedger.adapters.log.codec import EventCodec
from hedger.adapters.log.port import LogUnavailable
from hedger.adapters.log.postgres_log import PostgresEventLog
from hedger.adapters.muon import MuonClient
from hedger.adapters.postgres import Pool, open_pool, running_postgres
from hedger.adapters.venue.settings import VenueSettings
from hedger.application.doctor import ChainDoctor
from hedger.application.ledger import Ledger
from hedger.config import Settings
from hedger.domain.catalogue import ALL_EVENTS
from hedger.projections.catalogue import all_projections
from hedger.projections.engine import Projector

LOG_NAME = "hedger"
# Read models may be so much behind; in return an order leaves before the projector takes the processor.
_LINGER_S = 0.03


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
        log = await PostgresEventLog.open(url, codec(), clock_ms, LOG_NAME, linger_s=_LINGER_S)
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
        orders_per_10_s=section.orders_per_10_s,
        orders_per_minute=section.orders_per_minute,
        reserved_percent=section.reserved_percent,
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


def doctor_of(settings: Settings, rpc: RpcPool, session: aiohttp.ClientSession) -> ChainDoctor:
    chain = settings.chain
    return ChainDoctor(
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
