"""Proves profit and loss of a hedger that may or may not be running: equity measured, lines summed up, and compared."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from hedger.adapters.chain.treasury_views import TreasuryViews
from hedger.adapters.chain.views import ChainViews
from hedger.adapters.postgres import Pool
from hedger.adapters.venue.ccxt_venue import CcxtVenue
from hedger.adapters.venue.port import VenueUnavailable
from hedger.application.equity import EquityMeter
from hedger.bootstrap.connections import accounts, clock_ms, opened_log, projector_of, rpc_of, venue_settings
from hedger.config import Settings
from hedger.domain.accounting.equity import Proof, prove
from hedger.projections.pnl_sheets import By, PnlSum, statements, summed
from hedger.projections.pnl_sums import booked

_BETWEEN_LOOKS_S = 2.0
_LOOKS = 10

Prove = Callable[[], Awaitable[Proof | None]]


@asynccontextmanager
async def proving(settings: Settings) -> AsyncIterator[Prove]:
    """Each call measures anew, and asks the read models as they are then. None while there is no opening state."""
    async with AsyncExitStack() as stack:
        log, pool = await stack.enter_async_context(opened_log(settings))
        rpc = await stack.enter_async_context(rpc_of(settings))
        venue = await CcxtVenue.open(venue_settings(settings), clock_ms=clock_ms)
        stack.push_async_callback(venue.close)
        chain = settings.chain
        meter = EquityMeter(
            TreasuryViews(rpc, chain.diamond),
            ChainViews(rpc, chain.diamond, chain_id=chain.chain_id),
            venue,
            party_b=chain.party_b,
            party_as=partial(accounts, pool),
        )
        projector = projector_of(settings, log, pool)

        async def look() -> Proof | None:
            await projector.catch_up()
            measured = await meter.measure()
            await projector.catch_up()
            async with pool.connection() as connection:
                books = await booked(connection)
            return prove(measured, books) if books is not None else None

        yield look


async def proven(settings: Settings) -> Proof | None:
    """The proof, looked for until it holds: what is under way between chain, venue and log is no difference."""
    async with proving(settings) as look:
        proof = await look()
        for _ in range(_LOOKS - 1):
            if proof is None or not proof.unexplained:
                break
            await asyncio.sleep(_BETWEEN_LOOKS_S)
            proof = await look()
        return proof


async def pnl_sums(settings: Settings, by: By) -> tuple[int, list[PnlSum]]:
    """The sums as of a log position; what is held is valued at the venue's marks of now."""
    async with AsyncExitStack() as stack:
        log, pool = await stack.enter_async_context(opened_log(settings))
        await projector_of(settings, log, pool).catch_up()
        return await log.head(), await _sums(pool, by, await _marks(settings))


async def _sums(pool: Pool, by: By, marks: Mapping[str, int]) -> list[PnlSum]:
    lines, held = (text.replace("{schema}.", "") for text in statements(by))
    async with pool.connection() as connection:
        of_lines = await (await connection.execute(lines.encode())).fetchall()
        of_books = await (await connection.execute(held.encode())).fetchall()
    return summed(of_lines, of_books, marks)


async def _marks(settings: Settings) -> dict[str, int]:
    """None where the venue does not answer: what is held is then not valued."""
    try:
        venue = await CcxtVenue.open(venue_settings(settings), clock_ms=clock_ms)
    except VenueUnavailable:
        return {}
    try:
        return {name: market.mark for name, market in (await venue.markets()).items()}
    except VenueUnavailable:
        return {}
    finally:
        await venue.close()
