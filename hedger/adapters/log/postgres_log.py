"""The event log on PostgreSQL: the `eventsourcing` library's event table, our append, readers and followers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any
from uuid import UUID

import psycopg
import structlog
from psycopg import sql

from hedger.adapters.log.codec import EventCodec
from hedger.adapters.log.entry import entry_of
from hedger.adapters.log.port import BlockMark, Change, LogUnavailable
from hedger.adapters.log.recorder import LogRecorder, install, open_recorder
from hedger.adapters.log.schema import LogTables
from hedger.adapters.log.verify import StoredRow
from hedger.adapters.log.wakeup import Wakeup, listen
from hedger.adapters.log.writer import LOST, GroupWriter
from hedger.adapters.postgres import Pool, open_pool
from hedger.domain.events import Recorded

PAGE = 500  # events read and decoded at a time: bigger pages are slower, and hold up the event loop
POLL_S = 1.0  # how long a follower waits for a wake-up before it looks for itself

_log = structlog.get_logger(__name__)


class PostgresEventLog:
    """The port `EventLog` on a PostgreSQL database. Every method is safe to call from many tasks of one event loop."""

    def __init__(
        self,
        url: str,
        tables: LogTables,
        codec: EventCodec,
        pool: Pool,
        clock_ms: Callable[[], int],
        poll_s: float,
        linger_s: float,
    ) -> None:
        """Use `open`."""
        self._url = url
        self._codec = codec
        self._tables = tables
        self._pool = pool
        self._poll_s, self._linger_s = poll_s, linger_s
        self._wakeup = Wakeup()
        self._writer = GroupWriter(url, tables, codec, clock_ms, self._wakeup.moved_to)
        self._listener: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls,
        url: str,
        codec: EventCodec,
        clock_ms: Callable[[], int],
        name: str = "hedger",
        *,
        poll_s: float = POLL_S,
        linger_s: float = 0.0,
    ) -> "PostgresEventLog":
        """Install the tables where they are missing (as their owner), and connect. `clock_ms` stamps what is recorded.

        `linger_s`: how long followers wait between being woken and reading, so that what is recorded together is read
        together, and whoever has just recorded something can act on it first.

        Raises LogUnavailable.
        """
        tables = LogTables(name)
        try:
            await asyncio.to_thread(install, url, tables)
            pool = await open_pool(url)
        except LOST as error:
            raise LogUnavailable(str(error)) from error
        return cls(url, tables, codec, pool, clock_ms, poll_s, linger_s)

    async def close(self) -> None:
        """Record what waits to be recorded, then disconnect."""
        if self._listener is not None:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener
        await self._writer.close()
        await self._pool.close()

    def recorder(self) -> LogRecorder:
        """The `eventsourcing` library's own recorder on these rows, blocking, for reading."""
        return open_recorder(self._url, self._tables)

    @property
    def codec(self) -> EventCodec:
        return self._codec

    async def append(self, changes: Sequence[Change], *, correlation_id: str, causation_id: str) -> list[Recorded]:
        entry = entry_of(changes, self._codec, correlation_id=correlation_id, causation_id=causation_id)
        if not entry.checks:
            return []
        return await self._writer.append(entry)

    async def events_of(self, aggregate_id: UUID, *, after_version: int = 0, upto: int | None = None) -> list[Recorded]:
        rows = await self._rows(
            "SELECT notification_id, originator_id, originator_version, topic, state FROM {events}"
            " WHERE originator_id = %b AND originator_version > %b AND (%b::bigint IS NULL OR notification_id <= %b)"
            " ORDER BY originator_version",
            (aggregate_id, after_version, upto, upto),
        )
        return [self._codec.decode(*row) for row in rows]

    async def page(self, *, after: int, limit: int, upto: int | None = None) -> list[Recorded]:
        recorded: list[Recorded] = []
        while len(recorded) < limit:
            wanted = min(PAGE, limit - len(recorded))
            rows = await self.stored(after=after, limit=wanted, upto=upto)
            recorded.extend(self._codec.decode(*row) for row in rows)
            if len(rows) < wanted:
                break
            after = rows[-1][0]
        return recorded

    async def stored(self, *, after: int, limit: int, upto: int | None = None) -> list[StoredRow]:
        """As `page`, undecoded: for what must read on past an event that cannot be decoded."""
        bound = "" if upto is None else " AND notification_id <= %b"
        return await self._rows(
            "SELECT notification_id, originator_id, originator_version, topic, state FROM {events}"
            f" WHERE notification_id > %b{bound} ORDER BY notification_id LIMIT %b",
            (after, limit) if upto is None else (after, upto, limit),
        )

    async def follow(self, *, after: int, batch: int = PAGE) -> AsyncIterator[list[Recorded]]:
        """Lives through a database that goes away and comes back; raises UnreadableEvent."""
        if self._listener is None:  # who never follows need not be woken
            self._listener = asyncio.create_task(listen(self._url, self._tables.channel, self._wakeup))
        while True:
            try:
                recorded = await self.page(after=after, limit=batch)
            except LogUnavailable as error:
                _log.warning("log_follower_waits", after=after, error=str(error))
                await asyncio.sleep(self._poll_s)
                continue
            if recorded:
                after = recorded[-1].position
                yield recorded
            else:
                await self._wakeup.beyond(after, timeout_s=self._poll_s)
                await asyncio.sleep(self._linger_s)

    async def head(self) -> int:
        rows = await self._rows("SELECT coalesce(max(notification_id), 0) FROM {events}", ())
        return int(rows[0][0])

    async def position_at(self, recorded_at_ms: int) -> int:
        """Found by halving, for the recorder's clock rises with the position. Where several processes record with
        clocks that differ, the answer is exact up to that difference."""
        low, high = 0, await self.head()
        while low < high:
            middle = (low + high + 1) // 2
            [(_, _, _, _, payload)] = await self.stored(after=middle - 1, limit=1)
            if self._codec.recorded_at_ms(payload) <= recorded_at_ms:
                low = middle
            else:
                high = middle - 1
        return low

    async def recent_blocks(self, chain_id: int, *, limit: int) -> list[BlockMark]:
        rows = await self._rows(
            "SELECT block_number, block_hash FROM {facts} WHERE chain_id = %b GROUP BY block_number, block_hash"
            " ORDER BY block_number DESC, max(position) DESC LIMIT %b",
            (chain_id, limit),
        )
        return [BlockMark(number=number, hash=block_hash) for number, block_hash in rows]

    async def told_in(self, block_hashes: Sequence[str]) -> list[Recorded]:
        rows = await self._rows(
            "SELECT e.notification_id, e.originator_id, e.originator_version, e.topic, e.state FROM {facts} f"
            " JOIN {events} e ON e.notification_id = f.position"
            " WHERE f.block_hash = ANY(%b) AND f.chain_id IS NOT NULL ORDER BY 1",
            (list(block_hashes),),
        )
        return [self._codec.decode(*row) for row in rows]

    async def facts_between(self, first: int, last: int) -> list[tuple[int, str]]:
        """Position and id of the facts booked for these positions, both ends included, in order."""
        return await self._rows(
            "SELECT position, fact_id FROM {facts} WHERE position BETWEEN %b AND %b ORDER BY position", (first, last)
        )

    async def _rows(self, template: str, parameters: Sequence[Any]) -> list[Any]:
        """Rows in binary form. A connection that died while it lay idle is replaced and the read tried once more."""
        query = self._tables.composed(template)
        try:
            return await self._fetch(query, parameters)
        except LOST:
            await self._pool.check()
        try:
            return await self._fetch(query, parameters)
        except LOST as error:
            raise LogUnavailable(str(error)) from error

    async def _fetch(self, query: sql.Composed, parameters: Sequence[Any]) -> list[Any]:
        async with self._pool.connection(timeout=5.0) as connection:
            cursor: psycopg.AsyncCursor[Any] = connection.cursor(binary=True)
            await cursor.execute(query, parameters, prepare=True)
            return await cursor.fetchall()
