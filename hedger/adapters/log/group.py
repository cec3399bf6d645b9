"""Appends that go into one commit, and the arrays that the append function takes for them."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from psycopg.types.numeric import Int4, Int8

from hedger.adapters.log.entry import Entry, Fact
from hedger.domain.events import Recorded


class Waiting(msgspec.Struct, frozen=True, eq=False):
    """An entry in the queue, and the future its caller awaits."""

    entry: Entry
    answer: asyncio.Future[list[Recorded]]


class Sealed(msgspec.Struct, frozen=True, eq=False):
    """A waiting entry with the payloads it is stored as: the same ones on every attempt."""

    waiting: Waiting
    payloads: list[bytes]
    at_ms: int

    @property
    def entry(self) -> Entry:
        return self.waiting.entry

    def succeed(self, positions: Sequence[int]) -> None:
        if not self.waiting.answer.done():
            self.waiting.answer.set_result(self.entry.recorded(positions, self.at_ms))

    def fail(self, error: Exception) -> None:
        if not self.waiting.answer.done():
            self.waiting.answer.set_exception(error)


def checks_of(group: Sequence[Sealed]) -> list[Any]:
    """The append function's arrays of aggregates and the versions they are to have."""
    checks = [(n, *check) for n, sealed in enumerate(group) for check in sealed.entry.checks.items()]
    return [
        [Int4(n) for n, _, _ in checks],
        [aggregate_id for _, aggregate_id, _ in checks],
        [Int8(version) for _, _, version in checks],
    ]


def events_of(group: Sequence[Sealed]) -> list[Any]:
    """The append function's arrays of events, in log order."""
    rows = [row for sealed in group for row in sealed.entry.rows]
    return [
        [row.aggregate_id for row in rows],
        [Int8(row.version) for row in rows],
        [row.tag for row in rows],
        [payload for sealed in group for payload in sealed.payloads],
    ]


def facts_of(group: Sequence[Sealed]) -> list[Any]:
    """The append function's arrays of facts; empty where the group has none. 0, -1 and '' stand for no block."""
    facts: list[tuple[int, int, Fact]] = []
    before = 0
    for n, sealed in enumerate(group):
        facts.extend((n, before + fact.offset + 1, fact) for fact in sealed.entry.facts)
        before += len(sealed.entry.rows)
    if not facts:
        return []
    return [
        [Int4(n) for n, _, _ in facts],
        [fact.fact_id for _, _, fact in facts],
        [Int4(place) for _, place, _ in facts],
        [Int8(fact.block.chain_id if fact.block else 0) for _, _, fact in facts],
        [Int8(fact.block.block_number if fact.block else -1) for _, _, fact in facts],
        [fact.block.block_hash if fact.block else "" for _, _, fact in facts],
    ]
