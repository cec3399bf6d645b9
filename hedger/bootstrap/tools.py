"""What the operator's tools need of a hedger that may or may not be running: the validator's look, the doctor's."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp

from hedger.adapters.chain.views import ChainViews
from hedger.adapters.venue.ccxt_venue import CcxtVenue
from hedger.adapters.venue.doctor import examine as examine_venue
from hedger.application.book import Book
from hedger.application.doctor import Advice
from hedger.application.inputs import Board
from hedger.application.position_validator import Verdict
from hedger.bootstrap.alerting import address_fault
from hedger.bootstrap.connections import (
    clock_ms,
    doctor_of,
    ledger_of,
    live_quotes,
    opened_log,
    projector_of,
    rpc_of,
    venue_settings,
)
from hedger.bootstrap.validation import Validation
from hedger.config import Settings

_VENUE_KEYS = {"reachable": "venue.base_url", "clock": "venue.recv_window_ms", "symbols": "policy.symbols"}

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
            board.markets = await venue.markets()
            validation = Validation(settings, ledger, book, board, venue, views, rpc, pool)
            return await validation.validator().look()

        yield look


async def examined(settings: Settings) -> list[Advice]:
    """The doctor's findings on chain, oracle, exchange and database."""
    async with AsyncExitStack() as stack:
        rpc = await stack.enter_async_context(rpc_of(settings))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        doctor = doctor_of(settings, rpc, session)
        findings = await doctor.examine(settings.sender.key)
        for look in await examine_venue(venue_settings(settings), clock_ms=clock_ms):
            key = _VENUE_KEYS.get(look.name, "venue.api_key")
            findings.append(Advice(name=f"venue {look.name}", ok=look.ok, key=key, detail=look.detail))
        return [*findings, await _database(settings), *_targets(settings)]


def _targets(settings: Settings) -> list[Advice]:
    """Whether the address of each target is one; whether it is taken there, only a message tells."""
    found = []
    for name, section in settings.alerts.targets.items():
        fault = address_fault(section)
        detail = fault or f"an address of Apprise; hedger alerts test {name} sends a message"
        found.append(Advice(name=f"alerts to {name}", ok=not fault, key=f"alerts.targets.{name}.url", detail=detail))
    return found


async def _database(settings: Settings) -> Advice:
    try:
        async with opened_log(settings) as (log, _):
            return Advice(
                name="database", ok=True, key="database.url", detail=f"the log holds {await log.head()} events"
            )
    except Exception as error:
        # Whatever a driver says may hold the URL's password.
        return Advice(name="database", ok=False, key="database.url", detail=f"cannot be used: {type(error).__name__}")
