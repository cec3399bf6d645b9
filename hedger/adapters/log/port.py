"""The port of the event log: append-only, ordered, followed by everything that reacts."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from hedger.domain.events import Event, Recorded


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """New events of one aggregate, and the version they were decided on."""

    aggregate_id: UUID
    expected_version: int  # version of the aggregate before these events; 0 where it is new
    events: tuple[Event, ...]


class VersionConflict(Exception):
    """The aggregate has moved on meanwhile: load it again and decide again. Nothing was recorded."""

    def __init__(self, aggregate_id: UUID) -> None:
        super().__init__(f"aggregate {aggregate_id} has moved on")
        self.aggregate_id = aggregate_id


class FactAlreadyRecorded(Exception):
    """A fact of this append stands in the log already. Nothing was recorded."""

    def __init__(self, fact_id: str) -> None:
        super().__init__(f"fact {fact_id} stands in the log already")
        self.fact_id = fact_id


class LogUnavailable(Exception):
    """The database did not answer, or the commit's outcome is unknown: read before appending again."""


class BlockMark(msgspec.Struct, frozen=True, kw_only=True):
    """A block of which the log holds facts."""

    number: int
    hash: str


class EventLog(Protocol):
    """Append and read recorded events. Every method is safe to call from many tasks of one event loop."""

    async def append(self, changes: Sequence[Change], *, correlation_id: str, causation_id: str) -> list[Recorded]:
        """Record the events of all changes in one durable transaction, all or none, in the order given.

        Raises VersionConflict, FactAlreadyRecorded, LogUnavailable.
        """
        ...

    async def events_of(self, aggregate_id: UUID, *, after_version: int = 0, upto: int | None = None) -> list[Recorded]:
        """The events of one aggregate in order; with `upto`, only those at or before that log position."""
        ...

    async def page(self, *, after: int, limit: int, upto: int | None = None) -> list[Recorded]:
        """At most `limit` events past position `after`, in global order, up to and with `upto`."""
        ...

    def follow(self, *, after: int, batch: int = 500) -> AsyncIterator[list[Recorded]]:
        """Every event past `after`, in batches in global order without gaps, then each new one as it is committed."""
        ...

    async def head(self) -> int:
        """Position of the newest event, 0 for an empty log."""
        ...

    async def position_at(self, recorded_at_ms: int) -> int:
        """Position of the newest event recorded at or before that time, 0 where there is none."""
        ...

    async def recent_blocks(self, chain_id: int, *, limit: int) -> list[BlockMark]:
        """The highest blocks of which facts are recorded, newest first, orphaned ones too."""
        ...

    async def told_in(self, block_hashes: Sequence[str]) -> list[Recorded]:
        """The recorded chain facts of these blocks, in global order."""
        ...
