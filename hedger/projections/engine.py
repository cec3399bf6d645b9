"""The projector: keeps the read models up with the log, their rows and their position in one transaction.

Every event moves a projection's position, so a position behind the head is lag and nothing else. Projections that stand
at the same position share one read. An event that a projection cannot take parks it there, with the reason; nothing is
skipped, and the others go on. Two projectors over the same tables do no harm: who moves a position first wins, the
other one reads it again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import psycopg
import structlog

from hedger.domain.events import Recorded
from hedger.projections.port import LogReader, Projection, ProjectionParked, Unreadable
from hedger.projections.positions import Moved, Pool, Positions, Progress

BATCH = 500  # events a transaction
RETRY_DELAYS_S = (0.05, 0.2, 1.0)  # between attempts while a database is away; the last one again and again

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class Projector:
    """Runs projections over one log.

    `transient` names the errors of the log that pass by themselves. They and a lost database connection are waited
    out; any other error of a projection parks it.
    """

    def __init__(
        self,
        log: LogReader,
        pool: Pool,
        projections: Sequence[Projection],
        *,
        schema: str = "public",
        batch: int = BATCH,
        transient: tuple[type[Exception], ...] = (),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Raises ValueError where two projections bear the same name."""
        self._projections = {projection.name: projection for projection in projections}
        if len(self._projections) != len(projections):
            raise ValueError("two projections bear the same name")
        self._log = log
        self._batch = batch
        self._transient: tuple[type[Exception], ...] = (psycopg.OperationalError, psycopg.InterfaceError, *transient)
        self._sleep = sleep
        self._positions = Positions(pool, schema)
        self._known: dict[str, Progress] = {}
        self._locks = {name: asyncio.Lock() for name in self._projections}
        self._preparing = asyncio.Lock()
        self._prepared = False
        self._moved = asyncio.Event()

    async def run(self) -> None:
        """Catch up, then follow the log until cancelled. What was parked before is tried again: the code may know
        better by now."""
        while True:
            moved = self._moved
            await self.catch_up()
            if active := self._active():
                await self._follow(min(self._known[name].position for name in active))
            else:
                await moved.wait()  # all are parked, until one is rebuilt

    async def catch_up(self, upto: int | None = None) -> None:
        """Bring every projection that is not parked to position `upto`, by default to the head as it is now."""
        await self._prepare()
        head = await self._patiently(self._log.head)
        target = head if upto is None else min(upto, head)
        while behind := [name for name in self._active() if self._known[name].position < target]:
            await self._step(behind, target)

    async def rebuild(self, name: str) -> None:
        """Drop the projection's tables and fill them again up to the head, in this call.

        Raises KeyError for an unknown name, ProjectionParked where an event could not be taken.
        """
        tables = self._projections[name].tables
        async with self._locks[name]:
            self._tell(name, await self._patiently(lambda: self._positions.reset(name, tables)))
        target = await self._patiently(self._log.head)
        while (progress := self._known[name]).position < target:
            if progress.error is not None:
                raise ProjectionParked(name, progress.error)
            await self._step([name], target)

    async def positions(self) -> dict[str, Progress]:
        """How far each projection is, as the database has it; also without a projector running in this process."""
        return await self._patiently(lambda: self._positions.read(self._projections))

    async def wait_for(self, position: int, timeout: float = 5.0, name: str | None = None) -> None:
        """Return when the projection (by default each of them) has taken the event at `position`.

        Sees the progress of this projector alone. Raises TimeoutError, ProjectionParked.
        """
        names = self._projections if name is None else [name]
        async with asyncio.timeout(timeout):
            for each in names:
                while (progress := self._known.get(each, Progress(position=0))).position < position:
                    if progress.error is not None:
                        raise ProjectionParked(each, progress.error)
                    await self._moved.wait()

    def _active(self) -> list[str]:
        return [name for name, progress in self._known.items() if progress.parked_at is None]

    def _tell(self, name: str, progress: Progress) -> None:
        self._known[name] = progress
        self._moved.set()
        self._moved = asyncio.Event()

    async def _prepare(self) -> None:
        async with self._preparing:
            if self._prepared:
                return
            tables = {name: projection.tables for name, projection in self._projections.items()}
            for name, progress in (await self._patiently(lambda: self._positions.prepare(tables))).items():
                self._tell(name, progress)
            self._prepared = True

    async def _follow(self, after: int) -> None:
        """Take new events as they come; return where the projections have fallen out of step, or none is left."""
        try:
            async for batch in self._log.follow(after=after, batch=self._batch):
                active = self._active()
                if not active or any(self._known[name].position != batch[0].position - 1 for name in active):
                    return
                await self._take(active, batch)
        except self._transient as error:
            _log.warning("projector_waits", error=str(error))
            await self._sleep(RETRY_DELAYS_S[-1])
        except Exception as error:  # catching up reads again, up to that event, and parks there
            if not isinstance(error, Unreadable):
                raise

    async def _step(self, names: Sequence[str], target: int) -> None:
        """One batch for those of the projections that are furthest behind, up to where the next ones stand."""
        positions = sorted({self._known[name].position for name in names})
        after, upto = positions[0], min([target, *positions[1:2]])
        furthest = [name for name in names if self._known[name].position == after]
        await self._take(furthest, await self._page(furthest, after, upto))

    async def _page(self, names: Sequence[str], after: int, upto: int) -> list[Recorded]:
        """The next events, short of one that cannot be read. Where that is the very next, these projections park."""
        try:
            return await self._patiently(lambda: self._log.page(after=after, limit=self._batch, upto=upto))
        except Exception as error:
            if not isinstance(error, Unreadable):
                raise
            if error.position > after + 1:
                return await self._page(names, after, error.position - 1)
            for name in names:
                await self._park(name, error.position, str(error))
            return []

    async def _take(self, names: Sequence[str], batch: Sequence[Recorded]) -> None:
        if batch:
            await asyncio.gather(*(self._apply(name, batch) for name in names))

    async def _apply(self, name: str, batch: Sequence[Recorded]) -> None:
        """Apply the batch whole; where that fails event by event, to park right before the one it cannot take."""
        try:
            await self._apply_whole(name, batch)
        except Exception as error:
            if len(batch) > 1:
                await self._apply_singly(name, batch)
                return
            tag = batch[0].event.__struct_config__.tag
            reason = f"position {batch[0].position}: event {tag!r} cannot be taken: {type(error).__name__}: {error}"
            await self._park(name, batch[0].position, reason)

    async def _apply_singly(self, name: str, batch: Sequence[Recorded]) -> None:
        for recorded in batch:
            progress = self._known[name]
            if progress.parked_at is not None or progress.position != recorded.position - 1:
                return
            await self._apply(name, [recorded])

    async def _apply_whole(self, name: str, batch: Sequence[Recorded]) -> None:
        after, last = batch[0].position - 1, batch[-1].position

        async def transaction() -> Progress:
            try:
                async with self._positions.moving(name, after, last) as tx:
                    await self._projections[name].apply(batch, tx)
            except Moved:
                return await self._progress(name)
            return Progress(position=last)

        async with self._locks[name]:
            self._tell(name, await self._patiently(transaction))

    async def _park(self, name: str, at: int, error: str) -> None:
        parked = Progress(position=at - 1, parked_at=at, error=error)

        async def transaction() -> Progress:
            try:
                await self._positions.park(name, parked)
            except Moved:
                return await self._progress(name)
            _log.error("projection_parked", projection=name, parked_at=at, error=error)
            return parked

        async with self._locks[name]:
            self._tell(name, await self._patiently(transaction))

    async def _progress(self, name: str) -> Progress:
        return (await self._positions.read([name]))[name]

    async def _patiently(self, act: Callable[[], Awaitable[T]]) -> T:
        """Do it, again and again while the database or the log is away."""
        attempt = 0
        while True:
            try:
                return await act()
            except self._transient as error:
                delay_s = RETRY_DELAYS_S[min(attempt, len(RETRY_DELAYS_S) - 1)]
                _log.warning("projector_waits", error=str(error), delay_s=delay_s)
                attempt += 1
                await self._sleep(delay_s)
