"""The database goes away, breaks connections and loses answers: nothing is recorded twice, nothing is lost."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from log_proxy import Proxy, proxy_to
from log_samples import CODEC, Counted, Filled, change, record, record_new, ticking

from hedger.adapters.log.port import FactAlreadyRecorded, LogUnavailable, VersionConflict
from hedger.adapters.log.postgres_log import PostgresEventLog

KILL_ALL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
HOLD = "SELECT pg_advisory_xact_lock(hashtextextended('hedger_events', 0))"
WAITERS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def kill_all(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as killer:
        await killer.execute(KILL_ALL)


async def kill_the_waiting_append(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as killer:
        for _ in range(1_000):
            if (waiting := await (await killer.execute(WAITERS)).fetchone()) is not None:
                await killer.execute("SELECT pg_terminate_backend(%s)", waiting)
                return
            await asyncio.sleep(0.005)
    raise AssertionError("no append came to wait")


@pytest.fixture
async def proxy(postgres_url: str) -> AsyncIterator[Proxy]:
    with tempfile.TemporaryDirectory(prefix="hedger-") as folder:
        async with proxy_to(postgres_url, Path(folder)) as proxy:
            yield proxy


@pytest.fixture
async def shaky(proxy: Proxy) -> AsyncIterator[PostgresEventLog]:
    """A log behind the proxy."""
    log = await PostgresEventLog.open(proxy.url, CODEC, ticking(), poll_s=0.2)
    yield log
    await log.close()


async def test_connections_that_died_idle_are_replaced_unseen(log: PostgresEventLog, postgres_url: str) -> None:
    await record_new(log, Counted(amount=1))
    await kill_all(postgres_url)
    assert await log.head() == 1
    await kill_all(postgres_url)
    assert (await record_new(log, Counted(amount=2)))[0].position == 2


async def test_an_append_killed_before_its_commit_is_recorded_once_by_the_retry(
    log: PostgresEventLog, postgres_url: str
) -> None:
    one = uuid4()
    await record(log, change(one, 0, Counted(amount=1)))
    async with await psycopg.AsyncConnection.connect(postgres_url) as holder:
        await holder.execute(HOLD)
        appending = asyncio.create_task(record(log, change(one, 1, Counted(amount=2))))
        await kill_the_waiting_append(postgres_url)
    [recorded] = await appending
    assert (recorded.position, recorded.version) == (2, 2)
    assert await log.events_of(one, after_version=1) == [recorded]


async def test_a_commit_whose_answer_was_lost_is_recognised_and_not_repeated(
    shaky: PostgresEventLog, proxy: Proxy
) -> None:
    proxy.lose_answer_to("the lost one")
    one, other = uuid4(), uuid4()
    recorded = await record(
        shaky,
        change(one, 0, Counted(amount=1), Filled(trade_id="t")),
        change(other, 0, Counted(amount=2)),
        about="the lost one",
    )
    assert proxy.answers_lost == 1
    assert recorded == await shaky.page(after=0, limit=10)
    assert [r.position for r in recorded] == [1, 2, 3]


async def test_a_real_conflict_after_a_lost_answer_is_still_a_conflict(shaky: PostgresEventLog, proxy: Proxy) -> None:
    taken = uuid4()
    await record(shaky, change(taken, 0, Filled(trade_id="t")))
    proxy.lose_answer_to("the lost one")
    answers = await asyncio.gather(
        record(shaky, change(taken, 0, Counted(amount=1)), about="the lost one"),
        record(shaky, change(uuid4(), 0, Filled(trade_id="t")), about="also lost"),
        record(shaky, change(uuid4(), 0, Counted(amount=3)), about="also lost"),
        return_exceptions=True,
    )
    assert proxy.answers_lost == 1
    assert isinstance(answers[0], VersionConflict)
    assert isinstance(answers[1], FactAlreadyRecorded)
    assert isinstance(answers[2], list)
    assert await shaky.head() == 2


async def test_without_a_database_callers_are_told_and_may_come_again(shaky: PostgresEventLog, proxy: Proxy) -> None:
    one = uuid4()
    await record(shaky, change(one, 0, Counted(amount=1)))
    await proxy.cut()
    with pytest.raises(LogUnavailable):
        await record(shaky, change(one, 1, Counted(amount=2)))
    await proxy.start()
    [recorded] = await record(shaky, change(one, 1, Counted(amount=2)))
    assert recorded.position == 2


async def test_reading_without_a_database_says_so(postgres_url: str, tmp_path: Path) -> None:
    with pytest.raises(LogUnavailable):
        await PostgresEventLog.open(f"postgresql:///nowhere?host={tmp_path}", CODEC, ticking())


async def test_a_follower_lives_through_an_outage_and_misses_nothing(shaky: PostgresEventLog, proxy: Proxy) -> None:
    seen: list[int] = []

    async def follow() -> None:
        async with aclosing(shaky.follow(after=0)) as batches:
            async for batch in batches:
                seen.extend(recorded.position for recorded in batch)
                if seen[-1] == 3:
                    return

    following = asyncio.create_task(follow())
    await record_new(shaky, Counted(amount=1))
    await proxy.cut()
    await asyncio.sleep(0.05)
    await proxy.start()
    await record_new(shaky, Counted(amount=2))
    await record_new(shaky, Counted(amount=3))
    await asyncio.wait_for(following, 10)
    assert seen == [1, 2, 3]
