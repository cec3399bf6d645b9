"""Durable appends: our log beside the `eventsourcing` library's recorder and a raw INSERT, on one server in one run."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

from benchmarks.figures import Report, Spread, Table
from hedger.adapters.log.port import Change
from hedger.adapters.log.postgres_log import PostgresEventLog
from hedger.adapters.postgres import running_postgres
from hedger.bootstrap.connections import clock_ms, codec
from hedger.domain.quote.events import OrderCancelRequested

CALLERS = (1, 16, 64)
ROUNDS = 5
# Appends a round: enough to last some tenths of a second for the slowest.
APPENDS = {1: 150, 16: 640, 64: 1_280}
OURS, LIBRARY, RAW = "our log", "library's recorder", "raw INSERT"
_PAYLOAD_BYTES = 331
_CONNECTIONS = 16

AppendOne = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Measured:
    """Rates (appends a second, one a round) and each append's milliseconds."""

    rates: list[float] = field(default_factory=list)
    ms: list[float] = field(default_factory=list)


async def run(*, state_dir: Path) -> Report:
    """Rounds of all three are interleaved, so that a slow disk is slow for each."""
    found: dict[tuple[str, int], Measured] = {}
    with running_postgres(None, state_dir) as url:
        async with AsyncExitStack() as stack:
            for callers in CALLERS:
                kinds = {
                    OURS: await stack.enter_async_context(_our_log(url)),
                    LIBRARY: await stack.enter_async_context(_library(url, callers)),
                    RAW: await stack.enter_async_context(_raw(url, callers)),
                }
                for _ in range(ROUNDS):
                    for name, appends in kinds.items():
                        measured = found.setdefault((name, callers), Measured())
                        await _measure(measured, appends, callers)
                await stack.aclose()
    return _report(found)


async def _measure(measured: Measured, append: AppendOne, callers: int) -> None:
    each = APPENDS[callers] // callers

    async def caller() -> None:
        for _ in range(each):
            began = time.perf_counter()
            await append()
            measured.ms.append(1000 * (time.perf_counter() - began))

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    measured.rates.append(each * callers / (time.perf_counter() - began))


# --- the three; each append is one event of a new aggregate, answered when it is on disk


@asynccontextmanager
async def _our_log(url: str) -> AsyncIterator[AppendOne]:
    log = await PostgresEventLog.open(url, codec(), clock_ms, "ours")
    event = OrderCancelRequested(client_order_id="b-1-o1", reason="x" * 200)

    async def append() -> None:
        change = Change(aggregate_id=uuid4(), expected_version=0, events=(event,))
        await log.append([change], correlation_id="quote:1", causation_id="block:0x")

    try:
        yield append
    finally:
        await log.close()


@asynccontextmanager
async def _library(url: str, callers: int) -> AsyncIterator[AppendOne]:
    """Its recorder blocks: each caller has a thread. More connections would not help, since it locks the table."""
    parts: dict[str, Any] = dict(conninfo_to_dict(url))
    datastore = PostgresDatastore(
        dbname=parts["dbname"],
        host=parts["host"],
        port=parts.get("port", ""),
        user=parts["user"],
        password=parts.get("password", ""),
        pool_size=min(callers, _CONNECTIONS),
        max_overflow=1,
        max_waiting=callers,
    )
    recorder = PostgresApplicationRecorder(datastore, events_table_name="library_events")
    recorder.create_table()
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(callers) as threads:

        def insert() -> None:
            recorder.insert_events([StoredEvent(uuid4(), 1, "OrderCancelRequested.1", b"x" * _PAYLOAD_BYTES)])

        async def append() -> None:
            await loop.run_in_executor(threads, insert)

        yield append
    datastore.close()


@asynccontextmanager
async def _raw(url: str, callers: int) -> AsyncIterator[AppendOne]:
    """A prepared INSERT, each with a commit of its own, into a table like the library's."""
    idle: asyncio.Queue[psycopg.AsyncConnection[Any]] = asyncio.Queue()
    async with AsyncExitStack() as stack:
        for place in range(min(callers, _CONNECTIONS)):
            connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
            stack.push_async_callback(connection.close)
            if not place:
                await connection.execute("CREATE TABLE IF NOT EXISTS raw_events (LIKE library_events INCLUDING ALL)")
            idle.put_nowait(connection)

        async def append() -> None:
            connection = await idle.get()
            await connection.execute(
                "INSERT INTO raw_events (originator_id, originator_version, topic, state) VALUES (%b, %b, %b, %b)",
                (uuid4(), 1, "OrderCancelRequested.1", b"x" * _PAYLOAD_BYTES),
                prepare=True,
            )
            idle.put_nowait(connection)

        yield append


# --- figures


def _report(found: dict[tuple[str, int], Measured]) -> Report:
    rows: list[tuple[str, ...]] = []
    figures: dict[str, object] = {}
    for callers in CALLERS:
        rates = {name: statistics.median(found[name, callers].rates) for name in (OURS, LIBRARY, RAW)}
        spreads = {name: Spread.of(found[name, callers].ms) for name in rates}
        for name, rate in rates.items():
            times = f"{spreads[name].median:.2f} ms", f"{spreads[name].p99:.2f} ms"
            rows.append((f"{callers} callers: {name}", f"{rate:,.0f}/s", *times, f"{rate / rates[RAW]:.2f}"))
        figures[str(callers)] = {
            "appends_per_second": rates,
            "p99_ms": {name: spread.p99 for name, spread in spreads.items()},
            "ours_over_library": rates[OURS] / rates[LIBRARY],
            "ours_over_raw": rates[OURS] / rates[RAW],
            "library_p99_over_ours": spreads[LIBRARY].p99 / spreads[OURS].p99,
        }
    headings = ("", "rate (median)", "median", "p99", "of raw")
    table = Table(title=f"durable appends of one event, {ROUNDS} rounds", headings=headings, rows=tuple(rows))
    return Report(name="append", figures=figures, tables=(table, _targets(found)))


def _targets(found: dict[tuple[str, int], Measured]) -> Table:
    def rate(name: str, callers: int) -> float:
        return statistics.median(found[name, callers].rates)

    def p99(name: str, callers: int) -> float:
        return Spread.of(found[name, callers].ms).p99

    rows = (
        ("1 caller, times the library", ">= 2.5", f"{rate(OURS, 1) / rate(LIBRARY, 1):.2f}"),
        ("16 callers, times the library", ">= 12", f"{rate(OURS, 16) / rate(LIBRARY, 16):.2f}"),
        ("64 callers, p99 of the library's", "<= 0.10", f"{p99(OURS, 64) / p99(LIBRARY, 64):.2f}"),
        ("1 caller, of a raw INSERT", ">= 0.60", f"{rate(OURS, 1) / rate(RAW, 1):.2f}"),
    )
    return Table(title="targets", headings=("", "target", "found"), rows=rows)
