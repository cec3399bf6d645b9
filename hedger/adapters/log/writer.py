"""The one writer of a process: what waits goes into one commit in one round trip, and each caller gets its own answer.

While a commit is under way the next appends gather; nobody waits for a group to fill. A conflict fails its own append
alone: the database function checks each one (`schema.py`), and appends that share an aggregate or a fact never go into
the same group, so that the later one is judged against what the earlier one really recorded.

When the connection breaks under a commit, its outcome is unknown. The group is sent again over a new connection: what
was not recorded is recorded now, and what was recorded comes back as a conflict. A conflict with rows that equal ours
byte for byte (time, correlation and causation included) is our own first commit, and is answered as success.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import psycopg
import structlog
from psycopg.types.numeric import Int8

from hedger.adapters.log.codec import EventCodec
from hedger.adapters.log.entry import Entry
from hedger.adapters.log.group import Sealed, Waiting, checks_of, events_of, facts_of
from hedger.adapters.log.port import FactAlreadyRecorded, LogUnavailable, VersionConflict
from hedger.adapters.log.schema import LogTables
from hedger.domain.events import Recorded

LARGEST_GROUP = 500  # appends in one commit
RETRY_DELAYS_S = (0.0, 0.05, 0.2, 0.8)  # pauses before each attempt; then LogUnavailable
ANSWER_WITHIN_S = 30.0  # a server silent for longer counts as lost

LOST = (psycopg.OperationalError, psycopg.InterfaceError, OSError, TimeoutError)

CONNECTION: dict[str, Any] = {
    "autocommit": True,
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}

_log = structlog.get_logger(__name__)


class GroupWriter:
    """Appends entries, many callers' in one commit. `recorded` is told the highest position after each commit."""

    def __init__(
        self,
        url: str,
        tables: LogTables,
        codec: EventCodec,
        clock_ms: Callable[[], int],
        recorded: Callable[[int], None],
    ) -> None:
        self._url = url
        self._codec = codec
        self._clock_ms = clock_ms
        self._recorded = recorded
        self._append_sql = tables.composed(
            "SELECT * FROM {append}(%b::int[], %b::uuid[], %b::bigint[],"
            " %b::uuid[], %b::bigint[], %b::text[], %b::bytea[])"
        )
        self._append_facts_sql = tables.composed(
            "SELECT * FROM {append}(%b::int[], %b::uuid[], %b::bigint[],"
            " %b::uuid[], %b::bigint[], %b::text[], %b::bytea[],"
            " %b::int[], %b::text[], %b::int[], %b::bigint[], %b::bigint[], %b::text[])"
        )
        self._stored_sql = tables.composed(
            "SELECT notification_id, state FROM {events}"
            " JOIN unnest(%b::uuid[], %b::bigint[]) WITH ORDINALITY AS own(id, version, place)"
            " ON originator_id = id AND originator_version = version ORDER BY place"
        )
        self._queue: deque[Waiting] = deque()
        self._filled = asyncio.Event()
        self._closing = False
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._task = asyncio.create_task(self._run(), name="log writer")

    async def append(self, entry: Entry) -> list[Recorded]:
        """Record the entry and return its events with their places. Cancelled while its commit is under way, it may
        have been recorded all the same."""
        if self._closing:
            raise LogUnavailable("the log is closed")
        waiting = Waiting(entry, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._filled.set()
        return await waiting.answer

    async def close(self) -> None:
        """Record what waits, then disconnect."""
        self._closing = True
        self._filled.set()
        await self._task
        await self._disconnect()

    async def _run(self) -> None:
        while True:
            await self._filled.wait()
            while self._queue:
                await self._record(self._next_group())
            self._filled.clear()
            if self._closing:
                return

    def _next_group(self) -> list[Sealed]:
        """The longest run of waiting entries of which no two share an aggregate or a fact."""
        group: list[Sealed] = []
        touched: set[UUID | str] = set()
        at_ms = self._clock_ms()
        while self._queue and len(group) < LARGEST_GROUP:
            entry = self._queue[0].entry
            keys: set[UUID | str] = {*entry.checks, *(fact.fact_id for fact in entry.facts)}
            if not touched.isdisjoint(keys):
                break
            waiting = self._queue.popleft()
            if waiting.answer.cancelled():
                continue
            touched |= keys
            group.append(Sealed(waiting, entry.sealed(self._codec, at_ms), at_ms))
        return group

    async def _record(self, group: list[Sealed]) -> None:
        """Answer every entry of the group, whatever happens."""
        if not group:
            return
        try:
            await self._commit(group)
        except LOST as error:
            for sealed in group:
                sealed.fail(LogUnavailable(f"the commit's outcome is unknown: {error}"))
        except Exception as error:  # the database refused the call as a whole and recorded none of it
            if len(group) == 1:
                group[0].fail(error)
                return
            for sealed in group:
                await self._record([sealed])

    async def _commit(self, group: list[Sealed]) -> None:
        """Send the group until it is answered. Raises the last of LOST when every attempt failed."""
        for attempt, delay_s in enumerate(RETRY_DELAYS_S, start=1):
            await asyncio.sleep(delay_s)
            try:
                connection = await self._connected()
                while group:
                    group = await self._attempt(connection, group, in_doubt=attempt > 1)
                return
            except LOST as error:
                _log.warning("log_connection_lost", attempt=attempt, error=str(error), appends=len(group))
                await self._disconnect()
                if attempt == len(RETRY_DELAYS_S):
                    raise

    async def _attempt(
        self, connection: psycopg.AsyncConnection[Any], group: list[Sealed], *, in_doubt: bool
    ) -> list[Sealed]:
        """Record the group whole, or answer the ones at fault and return the others, of which none is recorded yet."""
        checks, facts = checks_of(group), facts_of(group)
        query = self._append_facts_sql if facts else self._append_sql
        rows = await self._rows(connection, query, [*checks, *events_of(group), *facts])
        if rows[0][3] is not None:
            self._all_recorded(group, head=rows[0][3])
            return []
        faults: dict[int, Exception] = {}
        for n, moved_on, known_fact, _ in rows:  # facts come last: told again, they are named though the version is old
            faults[n] = FactAlreadyRecorded(known_fact) if known_fact else VersionConflict(moved_on)
        for n, fault in faults.items():
            await self._at_fault(connection, group[n], fault, in_doubt=in_doubt)
        return [sealed for n, sealed in enumerate(group) if n not in faults]

    def _all_recorded(self, group: Sequence[Sealed], head: int) -> None:
        """The group stands in the log, in order, right behind what was its head."""
        for sealed in group:
            first, head = head + 1, head + len(sealed.entry.rows)
            sealed.succeed(range(first, head + 1))
        self._recorded(head)

    async def _at_fault(
        self, connection: psycopg.AsyncConnection[Any], sealed: Sealed, fault: Exception, *, in_doubt: bool
    ) -> None:
        positions = await self._own_positions(connection, sealed) if in_doubt else None
        if positions is None:
            sealed.fail(fault)
        else:
            sealed.succeed(positions)
            self._recorded(positions[-1])

    async def _own_positions(self, connection: psycopg.AsyncConnection[Any], sealed: Sealed) -> list[int] | None:
        """Where this very entry stands in the log already, None where it does not."""
        rows = sealed.entry.rows
        parameters = [[row.aggregate_id for row in rows], [Int8(row.version) for row in rows]]
        stored = await self._rows(connection, self._stored_sql, parameters)
        if not rows or [bytes(state) for _, state in stored] != sealed.payloads:
            return None
        return [position for position, _ in stored]

    async def _rows(
        self, connection: psycopg.AsyncConnection[Any], query: psycopg.sql.Composed, parameters: Sequence[Any]
    ) -> list[Any]:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            cursor = connection.cursor(binary=True)
            await cursor.execute(query, parameters, prepare=True)
            return await cursor.fetchall()

    async def _connected(self) -> psycopg.AsyncConnection[Any]:
        if self._connection is None:
            connection = await psycopg.AsyncConnection.connect(self._url, **CONNECTION)
            # a commit is answered when it is on disk; each statement sees what was committed before it began
            await connection.execute(
                "SET synchronous_commit = on; SET default_transaction_isolation = 'read committed'"
            )
            self._connection = connection
        return self._connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
