"""Replaying the log: read, decoded and folded, beside reading the same bytes with a bare cursor."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.figures import Report, Table
from benchmarks.histories import PARTY_B, Life
from hedger.adapters.log.port import Change
from hedger.adapters.log.postgres_log import PostgresEventLog
from hedger.adapters.postgres import open_pool, running_postgres
from hedger.bootstrap.connections import clock_ms, codec
from hedger.domain.events import Recorded
from hedger.domain.quote.quote import Quote
from hedger.projections.catalogue import all_projections
from hedger.projections.engine import Projector
from hedger.projections.memory import fold

QUOTES = 4_000
ROUNDS = 3
_AT_ONCE = 200
_PAGE = 500

BARE, DECODED, AGGREGATES, MODELS, TABLES = (
    "bare binary cursor, bytes only",
    "read and decoded",
    "folded into quotes",
    "folded into every read model, in memory",
    "read models built in tables",
)


async def run(*, state_dir: Path) -> Report:
    """Fills a log with lives of quotes, then goes through it in each way, round by round."""
    with running_postgres(None, state_dir) as url:
        log = await PostgresEventLog.open(url, codec(), clock_ms)
        await _filled(log)
        events = await log.head()
        ways: dict[str, Callable[[], Awaitable[None]]] = {
            BARE: lambda: _bare(url),
            DECODED: lambda: _decoded(log),
            AGGREGATES: lambda: _aggregates(log),
            MODELS: lambda: _models(log),
        }
        rates: dict[str, list[float]] = {name: [] for name in (*ways, TABLES)}
        for _ in range(ROUNDS):
            for name, way in ways.items():
                began = time.perf_counter()
                await way()
                rates[name].append(events / (time.perf_counter() - began))
        rates[TABLES].append(events / await _tables(log, url))
        await log.close()
    return _report(events, {name: statistics.median(found) for name, found in rates.items()})


async def _filled(log: PostgresEventLog) -> None:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def append(quote_id: int) -> None:
        async with gate:
            life = Life(quote_id)
            change = Change(aggregate_id=life.aggregate_id, expected_version=0, events=tuple(life.lived()))
            await log.append([change], correlation_id=f"quote:{quote_id}", causation_id="benchmark")

    await asyncio.gather(*(append(quote_id) for quote_id in range(1, QUOTES + 1)))


async def _bare(url: str) -> None:
    async with (
        await psycopg.AsyncConnection.connect(url) as connection,
        connection.cursor(name="bare", binary=True) as cursor,
    ):
        await cursor.execute("SELECT notification_id, state FROM hedger_events ORDER BY notification_id")
        while await cursor.fetchmany(_PAGE):
            pass


async def _decoded(log: PostgresEventLog) -> None:
    async for _ in _pages(log):
        pass


async def _aggregates(log: PostgresEventLog) -> None:
    quotes: dict[object, Quote] = {}
    async for page in _pages(log):
        for recorded in page:
            quote = quotes.get(recorded.aggregate_id)
            if quote is None:
                quote = quotes[recorded.aggregate_id] = Quote(
                    id=recorded.aggregate_id, chain_id=0, diamond="", quote_id=0
                )
            quote.advance((recorded.event,))


async def _models(log: PostgresEventLog) -> None:
    recorded: list[Recorded] = []
    async for page in _pages(log):
        recorded.extend(page)
    fold(recorded, PARTY_B)


async def _tables(log: PostgresEventLog, url: str) -> float:
    """Seconds for the projector to build every read model from nothing."""
    pool = await open_pool(url)
    began = time.perf_counter()
    await Projector(log, pool, all_projections(PARTY_B)).catch_up()
    seconds = time.perf_counter() - began
    await pool.close()
    return seconds


async def _pages(log: PostgresEventLog) -> AsyncIterator[list[Recorded]]:
    after = 0
    while page := await log.page(after=after, limit=_PAGE):
        yield page
        after = page[-1].position


def _report(events: int, rates: dict[str, float]) -> Report:
    rows = tuple((name, f"{rate:,.0f}/s", f"{rate / rates[BARE]:.3f}") for name, rate in rates.items())
    figures: dict[str, Any] = {
        "events": events,
        "events_per_second": rates,
        "of_bare": {name: rate / rates[BARE] for name, rate in rates.items()},
    }
    title = f"{events:,} events of {QUOTES:,} quotes"
    return Report(
        name="replay",
        figures=figures,
        tables=(Table(title=title, headings=("", "events", "of bare"), rows=rows),),
    )
