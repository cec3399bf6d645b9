"""The projector: rows and position together, parking before poison, rebuilding, several of them at once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from hedger.adapters.log.codec import EventCodec
from hedger.adapters.log.port import Change, LogUnavailable
from hedger.adapters.log.postgres_log import PostgresEventLog
from hedger.adapters.postgres import Pool, open_pool
from hedger.domain.events import Event, Recorded
from hedger.projections.engine import Projector
from hedger.projections.port import ProjectionParked
from hedger.projections.positions import Progress


class Paid(Event, frozen=True, kw_only=True, tag="Paid.1"):
    payer: str
    amount: int


class Noted(Event, frozen=True, kw_only=True, tag="Noted.1"):
    text: str


CODEC = EventCodec([Paid, Noted])


class Totals:
    """What each payer paid; refuses the amount `poison`, as often as it is asked."""

    def __init__(self, name: str = "totals", poison: int | None = None) -> None:
        self.name = name
        self.poison = poison
        self.batches: list[int] = []

    @property
    def tables(self) -> str:
        return f"CREATE TABLE {{schema}}.{self.name} (payer text PRIMARY KEY, total numeric NOT NULL)"

    async def apply(self, batch: Sequence[Recorded], tx: psycopg.AsyncConnection[Any]) -> None:
        self.batches.append(len(batch))
        for recorded in batch:
            if not isinstance(recorded.event, Paid):
                continue
            if recorded.event.amount == self.poison:
                raise ValueError("cannot add this up")
            await tx.execute(
                f"INSERT INTO {self.name} AS t VALUES (%s, %s)"
                " ON CONFLICT (payer) DO UPDATE SET total = t.total + excluded.total",
                (recorded.event.payer, recorded.event.amount),
            )


class CountedReads:
    """A log that counts the pages it gives, and can be away for a while."""

    def __init__(self, log: PostgresEventLog) -> None:
        self.log = log
        self.pages: list[int] = []
        self.away = 0

    async def page(self, *, after: int, limit: int, upto: int | None = None) -> list[Recorded]:
        if self.away:
            self.away -= 1
            raise LogUnavailable("away")
        self.pages.append(after)
        return await self.log.page(after=after, limit=limit, upto=upto)

    def follow(self, *, after: int, batch: int = 500) -> AsyncIterator[list[Recorded]]:
        return self.log.follow(after=after, batch=batch)

    async def head(self) -> int:
        return await self.log.head()


@pytest.fixture
async def log(postgres_url: str) -> AsyncIterator[PostgresEventLog]:
    ticks = count(1)
    log = await PostgresEventLog.open(postgres_url, CODEC, lambda: next(ticks))
    yield log
    await log.close()


@pytest.fixture
async def pool(postgres_url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(postgres_url)
    yield pool
    await pool.close()


async def pay(log: PostgresEventLog, *amounts: int, payer: str = "ann") -> int:
    """Record payments; returns the position of the last one."""
    events = tuple(Paid(payer=payer, amount=amount) for amount in amounts)
    change = Change(aggregate_id=uuid4(), expected_version=0, events=events)
    return (await log.append([change], correlation_id="c", causation_id="t"))[-1].position


async def totals(pool: Pool, table: str = "totals") -> dict[str, int]:
    async with pool.connection() as connection:
        cursor = await connection.execute(f"SELECT payer, total::bigint FROM {table}".encode())
        return dict(await cursor.fetchall())


@asynccontextmanager
async def running(projector: Projector) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(projector.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_catching_up_applies_every_event_once_and_moves_to_the_head(log: PostgresEventLog, pool: Pool) -> None:
    await pay(log, *range(1, 1_201))
    projection = Totals()
    await Projector(log, pool, [projection]).catch_up()
    assert await totals(pool) == {"ann": 1200 * 1201 // 2}
    assert projection.batches == [500, 500, 200]
    again = Projector(log, pool, [projection])
    await again.catch_up()
    assert await again.positions() == {"totals": Progress(position=1_200)}
    assert await totals(pool) == {"ann": 1200 * 1201 // 2}


async def test_every_event_moves_the_position_also_those_a_projection_ignores(
    log: PostgresEventLog, pool: Pool
) -> None:
    change = Change(aggregate_id=uuid4(), expected_version=0, events=(Noted(text="x"), Noted(text="y")))
    await log.append([change], correlation_id="c", causation_id="t")
    projector = Projector(log, pool, [Totals()])
    await projector.catch_up()
    assert await projector.positions() == {"totals": Progress(position=2)}


async def test_catching_up_can_stop_at_a_position(log: PostgresEventLog, pool: Pool) -> None:
    await pay(log, 1, 10, 100, 1000)
    projector = Projector(log, pool, [Totals()])
    await projector.catch_up(upto=2)
    assert await totals(pool) == {"ann": 11}
    await projector.catch_up(upto=99)
    assert await totals(pool) == {"ann": 1111}


async def test_a_running_projector_follows_the_log(log: PostgresEventLog, pool: Pool) -> None:
    await pay(log, 1)
    projector = Projector(log, pool, [Totals(), Totals("others")])
    async with running(projector):
        for amount in (10, 100):
            await projector.wait_for(await pay(log, amount))
        assert await totals(pool) == await totals(pool, "others") == {"ann": 111}


async def test_projections_at_the_same_position_share_one_read(log: PostgresEventLog, pool: Pool) -> None:
    await pay(log, *range(10))
    await Projector(log, pool, [Totals("a")], batch=2).catch_up(upto=4)
    reads = CountedReads(log)
    await Projector(reads, pool, [Totals("a"), Totals("b"), Totals("c")], batch=3).catch_up()
    assert reads.pages == [0, 3, 4, 7]  # b and c up to a, then the three together
    assert await totals(pool, "a") == await totals(pool, "b") == await totals(pool, "c") == {"ann": 45}


async def test_a_poison_event_parks_its_projection_and_no_other(log: PostgresEventLog, pool: Pool) -> None:
    await pay(log, 1, 10, 13, 100)
    projector = Projector(log, pool, [Totals(), Totals("picky", poison=13)])
    async with running(projector):
        await projector.wait_for(await pay(log, 1000), name="totals")
        with pytest.raises(ProjectionParked, match="cannot add this up"):
            await projector.wait_for(4)
        assert await totals(pool) == {"ann": 1124}
        assert await totals(pool, "picky") == {"ann": 11}
        assert await projector.positions() == {
            "totals": Progress(position=5),
            "picky": Progress(
                position=2,
                parked_at=3,
                error="position 3: event 'Paid.1' cannot be taken: ValueError: cannot add this up",
            ),
        }


async def test_a_projection_poisoned_while_following_is_parked_and_the_rest_goes_on(
    log: PostgresEventLog, pool: Pool
) -> None:
    projector = Projector(log, pool, [Totals(), Totals("picky", poison=13)])
    async with running(projector):
        await projector.wait_for(await pay(log, 1))
        await pay(log, 13)
        await projector.wait_for(await pay(log, 10), name="totals")
        with pytest.raises(ProjectionParked, match="position 2"):
            await projector.wait_for(3)
    assert await totals(pool, "picky") == {"ann": 1}


async def test_where_every_projection_is_parked_the_projector_waits_for_a_rebuild(
    log: PostgresEventLog, pool: Pool
) -> None:
    picky = Totals("picky", poison=13)
    projector = Projector(log, pool, [picky])
    async with running(projector) as task:
        last = await pay(log, 1, 13)
        with pytest.raises(ProjectionParked):
            await projector.wait_for(last)
        await asyncio.sleep(0.05)
        assert not task.done()
        picky.poison = None
        await projector.rebuild("picky")
        await projector.wait_for(await pay(log, 100))
    assert await totals(pool, "picky") == {"ann": 114}


async def test_a_parked_projection_goes_on_where_it_stood_once_the_code_can_take_the_event(
    log: PostgresEventLog, pool: Pool
) -> None:
    await pay(log, 1, 13, 100)
    await Projector(log, pool, [Totals(poison=13)]).catch_up()
    assert await totals(pool) == {"ann": 1}
    mended = Projector(log, pool, [Totals()])
    await mended.catch_up()
    assert await totals(pool) == {"ann": 114}
    assert await mended.positions() == {"totals": Progress(position=3)}


async def test_an_event_that_cannot_be_read_parks_every_projection_right_before_it(
    log: PostgresEventLog, pool: Pool, postgres_url: str
) -> None:
    await pay(log, 1, 10)
    change = Change(aggregate_id=uuid4(), expected_version=0, events=(Noted(text="of a later version"),))
    await log.append([change], correlation_id="c", causation_id="t")
    await pay(log, 100)
    old_code = await PostgresEventLog.open(postgres_url, EventCodec([Paid]), lambda: 0)
    projector = Projector(old_code, pool, [Totals(), Totals("others")])
    async with running(projector):
        with pytest.raises(ProjectionParked, match=r"position 3: event 'Noted\.1'"):
            await projector.wait_for(4)
        with pytest.raises(ProjectionParked):
            await projector.wait_for(4, name="others")
    assert await totals(pool) == await totals(pool, "others") == {"ann": 11}
    await old_code.close()


async def test_a_rebuilt_projection_has_the_same_rows(log: PostgresEventLog, pool: Pool) -> None:
    await pay(log, 1, 2, 3)
    await pay(log, 4, payer="bob")
    projector = Projector(log, pool, [Totals()])
    await projector.catch_up()
    before = await totals(pool)
    async with pool.connection() as connection:
        await connection.execute("UPDATE totals SET total = 0")
    await projector.rebuild("totals")
    assert await totals(pool) == before == {"ann": 6, "bob": 4}


async def test_a_projection_can_be_rebuilt_while_the_projector_runs(log: PostgresEventLog, pool: Pool) -> None:
    projector = Projector(log, pool, [Totals(), Totals("others")], batch=7)
    async with running(projector):
        await pay(log, *range(100))
        await asyncio.gather(projector.rebuild("totals"), *(pay(log, 1) for _ in range(50)))
        last = await pay(log, 1)
        await projector.wait_for(last)
        assert await totals(pool) == await totals(pool, "others") == {"ann": 4950 + 51}


async def test_a_rebuild_that_meets_poison_says_so(log: PostgresEventLog, pool: Pool) -> None:
    await pay(log, 1, 13)
    projector = Projector(log, pool, [Totals(poison=13)])
    with pytest.raises(ProjectionParked, match="position 2"):
        await projector.rebuild("totals")


async def test_changed_tables_are_filled_again_from_the_first_event(log: PostgresEventLog, pool: Pool) -> None:
    class WithNote(Totals):
        @property
        def tables(self) -> str:
            return super().tables + "; ALTER TABLE totals ADD COLUMN note text"

    await pay(log, 1, 10)
    await Projector(log, pool, [Totals()]).catch_up()
    await Projector(log, pool, [WithNote()]).catch_up()
    assert await totals(pool) == {"ann": 11}
    async with pool.connection() as connection:
        assert (await (await connection.execute("SELECT note FROM totals")).fetchall()) == [(None,)]


async def test_read_models_may_live_in_a_schema_of_their_own(log: PostgresEventLog, pool: Pool) -> None:
    await pay(log, 1, 10)
    projector = Projector(log, pool, [Totals()], schema="views")
    await projector.catch_up()
    assert await totals(pool, "views.totals") == {"ann": 11}
    await projector.rebuild("totals")
    assert await totals(pool, "views.totals") == {"ann": 11}


async def test_two_projectors_over_the_same_tables_count_every_event_once(log: PostgresEventLog, pool: Pool) -> None:
    one, other = Projector(log, pool, [Totals()], batch=3), Projector(log, pool, [Totals()], batch=5)
    async with running(one), running(other):
        for n in range(40):
            last = await pay(log, n)
        await asyncio.gather(one.wait_for(last, timeout=30), other.wait_for(last, timeout=30))
    assert await totals(pool) == {"ann": 780}


async def test_a_projector_waits_out_a_log_that_is_away_and_a_killed_connection(
    log: PostgresEventLog, pool: Pool, postgres_url: str
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    await pay(log, 1, 10)
    reads = CountedReads(log)
    reads.away = 3
    projector = Projector(reads, pool, [Totals()], transient=(LogUnavailable,), sleep=sleep)
    await projector.catch_up()
    assert slept == [0.05, 0.2, 1.0]
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as killer:
        await killer.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    await pay(log, 100)
    await projector.catch_up()
    assert await totals(pool) == {"ann": 111}


async def test_an_error_of_the_log_that_does_not_pass_is_raised(log: PostgresEventLog, pool: Pool) -> None:
    await pay(log, 1)
    reads = CountedReads(log)
    reads.away = 1
    with pytest.raises(LogUnavailable):
        await Projector(reads, pool, [Totals()]).catch_up()


async def test_a_batch_is_written_whole_or_not_at_all(log: PostgresEventLog, pool: Pool) -> None:
    class Torn(Totals):
        """Stops after its rows are written, before the transaction ends."""

        async def apply(self, batch: Sequence[Recorded], tx: psycopg.AsyncConnection[Any]) -> None:
            await super().apply(batch, tx)
            raise asyncio.CancelledError

    await pay(log, 1, 10)
    with pytest.raises(asyncio.CancelledError):
        await Projector(log, pool, [Torn()]).catch_up()
    assert await totals(pool) == {}
    projector = Projector(log, pool, [Totals()])
    await projector.catch_up()
    assert await totals(pool) == {"ann": 11}


async def test_waiting_for_a_position_that_does_not_come_ends_by_time(log: PostgresEventLog, pool: Pool) -> None:
    projector = Projector(log, pool, [Totals()])
    async with running(projector):
        with pytest.raises(TimeoutError):
            await projector.wait_for(1, timeout=0.05)


async def test_positions_can_be_asked_where_no_projector_ever_ran(log: PostgresEventLog, pool: Pool) -> None:
    assert await Projector(log, pool, [Totals()]).positions() == {"totals": Progress(position=0)}


async def test_two_projections_cannot_bear_one_name(log: PostgresEventLog, pool: Pool) -> None:
    with pytest.raises(ValueError, match="same name"):
        Projector(log, pool, [Totals(), Totals()])


async def test_only_a_projection_of_this_projector_can_be_rebuilt(log: PostgresEventLog, pool: Pool) -> None:
    with pytest.raises(KeyError):
        await Projector(log, pool, [Totals()]).rebuild("unknown")
