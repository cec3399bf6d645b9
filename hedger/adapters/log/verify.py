"""Checks a whole log against its own rules. Used by the operator, and after restores and imports."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from hedger.adapters.log.codec import EventCodec, UnreadableEvent
from hedger.domain.events import Recorded

PAGE = 500
LAST_POSITION = 2**63 - 1

StoredRow = tuple[int, UUID, int, str, bytes]
"""position, aggregate id, version, tag, payload"""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Something wrong with the row at a position."""

    position: int
    what: str


class StoredLog(Protocol):
    """A log that can be read without decoding it."""

    @property
    def codec(self) -> EventCodec: ...

    async def stored(self, *, after: int, limit: int, upto: int | None = None) -> list[StoredRow]: ...

    async def facts_between(self, first: int, last: int) -> list[tuple[int, str]]: ...


async def verify(log: StoredLog) -> AsyncIterator[Problem]:
    """Every problem, in order of the positions; nothing for a sound log.

    Positions run from 1 without gaps, versions of each aggregate from 1 without gaps, every payload can be read and
    names the tag of its row, and the facts among the events are booked as such, no more and no fewer.
    """
    check = _Check(log.codec)
    while rows := await log.stored(after=check.position, limit=PAGE):
        first = check.position + 1
        problems = [problem for row in rows for problem in check.row(*row)]
        problems += check.facts(await log.facts_between(first, rows[-1][0]))
        for problem in sorted(problems, key=lambda problem: problem.position):
            yield problem
    for problem in check.facts(await log.facts_between(check.position + 1, LAST_POSITION)):
        yield problem


class _Check:
    """What is known after the rows so far: the last position, each aggregate's version, the facts of this page."""

    def __init__(self, codec: EventCodec) -> None:
        self.position = 0
        self._codec = codec
        self._versions: dict[UUID, int] = {}
        self._told: set[tuple[int, str]] = set()
        self._unread: set[int] = set()

    def row(self, position: int, aggregate_id: UUID, version: int, tag: str, payload: bytes) -> list[Problem]:
        wrong: list[str] = []
        if position != self.position + 1:
            wrong.append(f"positions {self.position + 1} to {position - 1} are missing")
        self.position = position
        expected = self._versions.get(aggregate_id, 0) + 1
        if version != expected:
            wrong.append(f"aggregate {aggregate_id}: version {version} where {expected} was due")
        self._versions[aggregate_id] = version
        try:
            recorded = self._codec.decode(position, aggregate_id, version, tag, payload)
        except UnreadableEvent as error:
            self._unread.add(position)
            wrong.append(str(error))
        else:
            self._note_fact(recorded)
            if self._codec.knows(tag) and self._codec.tag(recorded.event) != tag:
                wrong.append(f"row of {tag!r} holds an event {self._codec.tag(recorded.event)!r}")
        return [Problem(position=position, what=what) for what in wrong]

    def facts(self, booked: Sequence[tuple[int, str]]) -> list[Problem]:
        """Compare the facts of the page's events with those booked for its positions, and forget the page."""
        unread, told = self._unread, self._told
        known = {(position, fact_id) for position, fact_id in booked if position not in unread}
        self._unread, self._told = set(), set()
        return [
            *(Problem(position=at, what=f"fact {fact_id} is not booked") for at, fact_id in sorted(told - known)),
            *(Problem(position=at, what=f"fact {fact_id} is booked, not told") for at, fact_id in sorted(known - told)),
        ]

    def _note_fact(self, recorded: Recorded) -> None:
        fact_id: str | None = getattr(recorded.event, "fact_id", None)
        if fact_id is not None:
            self._told.add((recorded.position, fact_id))
