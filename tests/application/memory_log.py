"""An event log in memory, with the port's promises, and one that dies at a chosen event."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from hedger.adapters.log.port import BlockMark, Change, EventLog, FactAlreadyRecorded, VersionConflict
from hedger.domain.events import ChainFact, Event, Recorded


class MemoryLog:
    """The port `EventLog` in one process; time is a count of the events."""

    def __init__(self) -> None:
        self.recorded: list[Recorded] = []
        self._grown = asyncio.Condition()

    async def append(self, changes: Sequence[Change], *, correlation_id: str, causation_id: str) -> list[Recorded]:
        for change in changes:
            if len(await self.events_of(change.aggregate_id)) != change.expected_version:
                raise VersionConflict(change.aggregate_id)
            for event in change.events:
                fact_id = getattr(event, "fact_id", None)
                if fact_id is not None and any(fact_id == getattr(old.event, "fact_id", "") for old in self.recorded):
                    raise FactAlreadyRecorded(fact_id)
        return await self._keep(changes, correlation_id, causation_id)

    async def events_of(self, aggregate_id: UUID, *, after_version: int = 0, upto: int | None = None) -> list[Recorded]:
        return [
            each
            for each in self.recorded
            if each.aggregate_id == aggregate_id
            and each.version > after_version
            and (upto is None or each.position <= upto)
        ]

    async def page(self, *, after: int, limit: int, upto: int | None = None) -> list[Recorded]:
        return self.recorded[after : min(after + limit, len(self.recorded) if upto is None else upto)]

    async def follow(self, *, after: int, batch: int = 500) -> AsyncIterator[list[Recorded]]:
        while True:
            async with self._grown:
                while len(self.recorded) <= after:
                    await self._grown.wait()
            page = await self.page(after=after, limit=batch)
            after += len(page)
            yield page

    async def head(self) -> int:
        return len(self.recorded)

    async def position_at(self, recorded_at_ms: int) -> int:
        return min(recorded_at_ms, len(self.recorded))

    async def recent_blocks(self, chain_id: int, *, limit: int) -> list[BlockMark]:
        sources = [fact.source for fact in self._facts() if fact.source.chain_id == chain_id]
        marks = {source.block_hash: BlockMark(number=source.block_number, hash=source.block_hash) for source in sources}
        return sorted(marks.values(), key=lambda mark: -mark.number)[:limit]

    async def told_in(self, block_hashes: Sequence[str]) -> list[Recorded]:
        return [
            each
            for each in self.recorded
            if isinstance(each.event, ChainFact) and each.event.source.block_hash in block_hashes
        ]

    def _facts(self) -> list[ChainFact]:
        return [each.event for each in self.recorded if isinstance(each.event, ChainFact)]

    async def _keep(self, changes: Sequence[Change], correlation_id: str, causation_id: str) -> list[Recorded]:
        new: list[Recorded] = []
        for change in changes:
            for version, event in enumerate(change.events, start=change.expected_version + 1):
                position = len(self.recorded) + 1
                recorded = Recorded(
                    position=position,
                    aggregate_id=change.aggregate_id,
                    version=version,
                    recorded_at_ms=position,
                    correlation_id=correlation_id,
                    causation_id=causation_id,
                    event=event,
                )
                self.recorded.append(recorded)
                new.append(recorded)
        async with self._grown:
            self._grown.notify_all()
        return new


class Crash(BaseException):
    """The process dies here."""


class DyingLog:
    """A log that dies at the n-th event of one kind: just before it is recorded, or just after."""

    def __init__(self, log: EventLog, kind: type[Event], *, after: bool, nth: int = 1) -> None:
        self._log, self._kind, self._after, self._left = log, kind, after, nth

    def __getattr__(self, name: str) -> object:
        return getattr(self._log, name)

    async def append(self, changes: Sequence[Change], *, correlation_id: str, causation_id: str) -> list[Recorded]:
        hits = any(isinstance(event, self._kind) for change in changes for event in change.events)
        self._left -= hits
        dies = hits and self._left == 0
        if dies and not self._after:
            raise Crash
        recorded = await self._log.append(changes, correlation_id=correlation_id, causation_id=causation_id)
        if dies:
            raise Crash
        return recorded
