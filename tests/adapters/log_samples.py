"""Small events and short ways to record them. Run as a program it is one more process that writes to a log."""

import asyncio
import itertools
import sys
from collections.abc import Callable
from uuid import UUID, uuid4

from hedger.adapters.log.codec import EventCodec
from hedger.adapters.log.port import Change
from hedger.adapters.log.postgres_log import PostgresEventLog
from hedger.domain.events import ChainFact, ChainSource, Event, Recorded


class Counted(Event, frozen=True, kw_only=True, tag="Counted.1"):
    amount: int
    note: str = ""


class Renamed(Event, frozen=True, kw_only=True, tag="Renamed.1"):
    name: str


class Told(ChainFact, frozen=True, kw_only=True, tag="Told.1"):
    word: str = ""


class Filled(Event, frozen=True, kw_only=True, tag="Filled.1"):
    trade_id: str

    @property
    def fact_id(self) -> str:
        return f"fill:paper:{self.trade_id}"


CODEC = EventCodec([Counted, Renamed, Told, Filled])


def told(block: int, log_index: int = 0, *, fork: str = "a", chain_id: int = 1) -> Told:
    source = ChainSource(
        chain_id=chain_id,
        block_number=block,
        block_hash=f"0x{fork}{block}",
        block_timestamp=block * 12,
        transaction_hash="0xt",
        log_index=log_index,
    )
    return Told(source=source)


def change(aggregate_id: UUID, expected_version: int, *events: Event) -> Change:
    return Change(aggregate_id=aggregate_id, expected_version=expected_version, events=events)


async def record(log: PostgresEventLog, *changes: Change, about: str = "test") -> list[Recorded]:
    return await log.append(changes, correlation_id=about, causation_id="a test")


async def record_new(log: PostgresEventLog, *events: Event) -> list[Recorded]:
    """Record the events as the first ones of a new aggregate."""
    return await record(log, change(uuid4(), 0, *events))


def ticking(start_ms: int = 1_000, step_ms: int = 10) -> Callable[[], int]:
    """A clock that moves on by `step_ms` each time it is read."""
    ticks = itertools.count(start_ms, step_ms)
    return lambda: next(ticks)


async def write_many(url: str, writer: int, events: int) -> None:
    log = await PostgresEventLog.open(url, CODEC, ticking())
    aggregate_id = uuid4()
    for version in range(events):
        await record(log, change(aggregate_id, version, Counted(amount=version, note=str(writer))))
    await log.close()


if __name__ == "__main__":
    asyncio.run(write_many(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
