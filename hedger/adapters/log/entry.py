"""One caller's append on its way into the log: checked and encoded when asked for, sealed when it is written."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from hedger.adapters.log.codec import EventCodec
from hedger.adapters.log.port import Change, FactAlreadyRecorded, VersionConflict
from hedger.domain.events import ChainSource, Event, Recorded


class Row(msgspec.Struct, frozen=True):
    """An event with its place in its aggregate, its tag and its JSON."""

    aggregate_id: UUID
    version: int
    tag: str
    event: Event
    encoded: msgspec.Raw


class Fact(msgspec.Struct, frozen=True):
    """A fact among the events of an append; `offset` is its event's place among them, from 0."""

    fact_id: str
    offset: int
    block: ChainSource | None


class Entry(msgspec.Struct, frozen=True):
    """An append: the versions it was decided on, its events in order, its facts."""

    checks: dict[UUID, int]
    rows: list[Row]
    facts: list[Fact]
    correlation_id: str
    causation_id: str

    def sealed(self, codec: EventCodec, at_ms: int) -> list[bytes]:
        """The payloads to store, in the order of the rows."""
        return [
            codec.seal(row.encoded, at_ms=at_ms, correlation_id=self.correlation_id, causation_id=self.causation_id)
            for row in self.rows
        ]

    def recorded(self, positions: Sequence[int], at_ms: int) -> list[Recorded]:
        return [
            Recorded(
                position=position,
                aggregate_id=row.aggregate_id,
                version=row.version,
                recorded_at_ms=at_ms,
                correlation_id=self.correlation_id,
                causation_id=self.causation_id,
                event=row.event,
            )
            for row, position in zip(self.rows, positions, strict=True)
        ]


def entry_of(changes: Sequence[Change], codec: EventCodec, *, correlation_id: str, causation_id: str) -> Entry:
    """Encode an append. What is wrong within it is found here, so that it never reaches the others it is written with.

    Raises VersionConflict where two changes of one aggregate do not follow each other, FactAlreadyRecorded where one
    fact is in it twice, TypeError for an event that is not of this log.
    """
    entry = Entry({}, [], [], correlation_id, causation_id)
    versions: dict[UUID, int] = {}
    for change in changes:
        version = versions.setdefault(change.aggregate_id, change.expected_version)
        if version != change.expected_version:
            raise VersionConflict(change.aggregate_id)
        entry.checks.setdefault(change.aggregate_id, change.expected_version)
        for event in change.events:
            version += 1
            entry.facts.extend(_fact_of(event, len(entry.rows)))
            entry.rows.append(Row(change.aggregate_id, version, codec.tag(event), event, codec.encode(event)))
        versions[change.aggregate_id] = version
    _refuse_repeated(entry.facts)
    return entry


def _fact_of(event: Event, offset: int) -> list[Fact]:
    """A fact is an event that has a `fact_id`; the chain's have their block as `source`."""
    fact_id: str | None = getattr(event, "fact_id", None)
    if fact_id is None:
        return []
    source = getattr(event, "source", None)
    return [Fact(fact_id, offset, source if isinstance(source, ChainSource) else None)]


def _refuse_repeated(facts: Sequence[Fact]) -> None:
    seen: set[str] = set()
    for fact in facts:
        if fact.fact_id in seen:
            raise FactAlreadyRecorded(fact.fact_id)
        seen.add(fact.fact_id)
