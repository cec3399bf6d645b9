"""The event log: what is kept outlives every process; its port is slow, and sometimes does not answer."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from hedger.adapters.log.port import BlockMark, Change, FactAlreadyRecorded, LogUnavailable, VersionConflict
from hedger.domain.events import ChainFact, Recorded
from tests.simulation.faults import Weather
from tests.simulation.model_rpc import Gate
from tests.simulation.virtual_time import VirtualLoop


class KeptLog:
    """The database, with its own guards of version and fact."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self.recorded: list[Recorded] = []
        self.by_aggregate: dict[UUID, list[Recorded]] = {}
        self.by_block: dict[str, list[Recorded]] = {}
        self.marks: dict[str, BlockMark] = {}
        self.fact_ids: set[str] = set()
        self.grown: asyncio.Future[None] = loop.create_future()

    def commit(self, changes: Sequence[Change], correlation_id: str, causation_id: str) -> list[Recorded]:
        """All or none. Raises VersionConflict, FactAlreadyRecorded."""
        told: set[str] = set()
        for change in changes:
            if len(self.by_aggregate.get(change.aggregate_id, ())) != change.expected_version:
                raise VersionConflict(change.aggregate_id)
            for event in change.events:
                fact_id = getattr(event, "fact_id", None)
                if fact_id is not None and (fact_id in self.fact_ids or fact_id in told):
                    raise FactAlreadyRecorded(fact_id)
                told.add(fact_id or "")
        self.fact_ids |= told - {""}
        new = [
            self._keep(change, place, correlation_id, causation_id)
            for change in changes
            for place in range(len(change.events))
        ]
        grown, self.grown = self.grown, self._loop.create_future()
        grown.set_result(None)
        return new

    def _keep(self, change: Change, place: int, correlation_id: str, causation_id: str) -> Recorded:
        event = change.events[place]
        recorded = Recorded(
            position=len(self.recorded) + 1,
            aggregate_id=change.aggregate_id,
            version=change.expected_version + place + 1,
            recorded_at_ms=self._loop.now_ms(),
            correlation_id=correlation_id,
            causation_id=causation_id,
            event=event,
        )
        self.recorded.append(recorded)
        self.by_aggregate.setdefault(change.aggregate_id, []).append(recorded)
        if isinstance(event, ChainFact):
            source = event.source
            self.by_block.setdefault(source.block_hash, []).append(recorded)
            self.marks[source.block_hash] = BlockMark(number=source.block_number, hash=source.block_hash)
        return recorded


class LogPort:
    """The port `EventLog` of one process."""

    def __init__(self, loop: VirtualLoop, kept: KeptLog, weather: Weather, gate: Gate) -> None:
        self._loop, self._kept, self._weather, self._gate = loop, kept, weather, gate

    async def append(self, changes: Sequence[Change], *, correlation_id: str, causation_id: str) -> list[Recorded]:
        await self._asked()
        recorded = self._kept.commit(changes, correlation_id, causation_id)
        await self._slowly()
        if self._weather.happens(self._weather.log_fails):
            raise LogUnavailable("the commit's outcome is not known")
        return recorded

    async def events_of(self, aggregate_id: UUID, *, after_version: int = 0, upto: int | None = None) -> list[Recorded]:
        await self._asked()
        kept = self._kept.by_aggregate.get(aggregate_id, [])[after_version:]
        return [each for each in kept if upto is None or each.position <= upto]

    async def page(self, *, after: int, limit: int, upto: int | None = None) -> list[Recorded]:
        await self._asked()
        return self._kept.recorded[after : min(after + limit, len(self._kept.recorded) if upto is None else upto)]

    async def follow(self, *, after: int, batch: int = 500) -> AsyncIterator[list[Recorded]]:
        while True:
            while len(self._kept.recorded) <= after:
                await asyncio.wait([self._kept.grown])
                self._gate()
            page = await self.page(after=after, limit=batch)
            after += len(page)
            yield page

    async def head(self) -> int:
        await self._asked()
        return len(self._kept.recorded)

    async def position_at(self, recorded_at_ms: int) -> int:
        await self._asked()
        return sum(each.recorded_at_ms <= recorded_at_ms for each in self._kept.recorded)

    async def recent_blocks(self, chain_id: int, *, limit: int) -> list[BlockMark]:
        await self._asked()
        return sorted(self._kept.marks.values(), key=lambda mark: -mark.number)[:limit]

    async def told_in(self, block_hashes: Sequence[str]) -> list[Recorded]:
        await self._asked()
        found = [each for name in dict.fromkeys(block_hashes) for each in self._kept.by_block.get(name, ())]
        return sorted(found, key=lambda each: each.position)

    async def _asked(self) -> None:
        await self._slowly()
        if self._weather.is_away("log", self._loop.time()) or self._weather.happens(self._weather.log_fails):
            raise LogUnavailable("the database does not answer")

    async def _slowly(self) -> None:
        self._gate()
        if self._weather.log_slow_s:
            await asyncio.sleep(self._weather.takes(self._weather.log_slow_s / 2))
        self._gate()
