"""Reading, following, and the library's own recorder on the same rows."""

import asyncio
import itertools
import sys
from contextlib import aclosing
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from log_samples import CODEC, Counted, Renamed, change, record, record_new, ticking, told

from hedger.adapters.log.codec import EventCodec, UnknownEvent
from hedger.adapters.log.postgres_log import PostgresEventLog
from hedger.adapters.log.recorder import ReadOnly, StoredEvent
from hedger.domain.events import Recorded

ROOT = Path(__file__).parents[2]


async def followed(log: PostgresEventLog, upto: int, *, after: int = 0, batch: int = 500) -> list[Recorded]:
    """What a follower sees until it has seen position `upto`."""
    seen: list[Recorded] = []
    async with aclosing(log.follow(after=after, batch=batch)) as batches:
        async for recorded in batches:
            assert 0 < len(recorded) <= batch
            seen.extend(recorded)
            if seen[-1].position >= upto:
                return seen
    return seen


async def test_an_empty_log_has_head_zero_and_no_pages(log: PostgresEventLog) -> None:
    assert await log.head() == 0
    assert await log.page(after=0, limit=10) == []
    assert await log.events_of(uuid4()) == []
    assert await log.position_at(10**15) == 0


async def test_a_page_holds_what_lies_past_one_position_and_up_to_another(log: PostgresEventLog) -> None:
    everything = await record_new(log, *(Counted(amount=n) for n in range(1_200)))
    assert await log.page(after=0, limit=5_000) == everything
    assert await log.page(after=10, limit=3) == everything[10:13]
    assert await log.page(after=10, limit=700, upto=650) == everything[10:650]
    assert await log.page(after=10, limit=5, upto=10) == []
    assert await log.page(after=1_200, limit=5) == []


async def test_an_aggregates_events_come_by_version_and_up_to_a_position(log: PostgresEventLog) -> None:
    one, other = uuid4(), uuid4()
    await record(log, change(one, 0, Counted(amount=1)), change(other, 0, Renamed(name="x")))
    await record(log, change(one, 1, Counted(amount=2), Counted(amount=3)))
    assert [(r.position, r.version) for r in await log.events_of(one)] == [(1, 1), (3, 2), (4, 3)]
    assert [r.version for r in await log.events_of(one, after_version=1)] == [2, 3]
    assert [r.version for r in await log.events_of(one, upto=3)] == [1, 2]


async def test_the_position_at_a_time_is_that_of_the_newest_event_by_then(log: PostgresEventLog) -> None:
    recorded = [(await record_new(log, Counted(amount=n)))[0] for n in range(20)]
    for earlier, later in itertools.pairwise(recorded):
        assert await log.position_at(earlier.recorded_at_ms) == earlier.position
        assert await log.position_at(later.recorded_at_ms - 1) == earlier.position
    assert await log.position_at(recorded[0].recorded_at_ms - 1) == 0
    assert await log.position_at(10**15) == 20


async def test_a_follower_sees_what_is_there_and_then_each_new_event(log: PostgresEventLog) -> None:
    await record_new(log, *(Counted(amount=n) for n in range(7)))
    following = asyncio.create_task(followed(log, 9, after=2, batch=3))
    await asyncio.sleep(0.05)
    await record_new(log, Counted(amount=8))
    await record_new(log, Counted(amount=9))
    assert [r.position for r in await asyncio.wait_for(following, 5)] == [3, 4, 5, 6, 7, 8, 9]


async def test_a_follower_is_woken_by_another_process_and_not_by_its_poll(
    log: PostgresEventLog, postgres_url: str
) -> None:
    elsewhere = await PostgresEventLog.open(postgres_url, CODEC, ticking(), poll_s=60)
    following = asyncio.create_task(followed(elsewhere, 1))
    await asyncio.sleep(0.1)
    await record_new(log, Counted(amount=1))
    assert len(await asyncio.wait_for(following, 5)) == 1
    await elsewhere.close()


async def test_a_follower_polls_where_no_notification_comes(log: PostgresEventLog, postgres_url: str) -> None:
    deaf = await PostgresEventLog.open(postgres_url, CODEC, ticking(), poll_s=0.05)
    following = asyncio.create_task(followed(deaf, 1))
    await asyncio.sleep(0.1)
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as killer:
        await killer.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        )
    await record_new(log, Counted(amount=1))
    assert len(await asyncio.wait_for(following, 5)) == 1
    await deaf.close()


async def test_with_four_writing_processes_a_follower_misses_nothing(log: PostgresEventLog, postgres_url: str) -> None:
    script = str(Path(__file__).with_name("log_samples.py"))
    following = asyncio.create_task(followed(log, 2_000))
    writers = [
        await asyncio.create_subprocess_exec(
            sys.executable, script, postgres_url, str(n), "500", env={"PYTHONPATH": str(ROOT)}
        )
        for n in range(4)
    ]
    seen = await asyncio.wait_for(following, 60)
    assert [await writer.wait() for writer in writers] == [0] * 4
    assert [r.position for r in seen] == list(range(1, 2_001))
    for n in range(4):
        own = [r.event.amount for r in seen if isinstance(r.event, Counted) and r.event.note == str(n)]
        assert own == list(range(500))


async def test_an_event_of_an_unknown_kind_stops_the_reader_by_name(log: PostgresEventLog, postgres_url: str) -> None:
    await record_new(log, Counted(amount=1), Renamed(name="x"))
    old_code = await PostgresEventLog.open(postgres_url, EventCodec([Counted]), ticking())
    assert len(await old_code.page(after=0, limit=5, upto=1)) == 1
    with pytest.raises(UnknownEvent, match=r"position 2: event 'Renamed\.1'"):
        await old_code.page(after=0, limit=5)
    await old_code.close()


async def test_the_librarys_recorder_reads_the_same_rows(log: PostgresEventLog) -> None:
    one = uuid4()
    await record(log, change(one, 0, Counted(amount=1), told(5)), change(uuid4(), 0, Renamed(name="x")))
    recorder = log.recorder()

    def read() -> tuple[list[tuple[int, str]], list[int], int | None]:
        notifications = recorder.select_notifications(start=1, limit=10)
        versions = [stored.originator_version for stored in recorder.select_events(one)]
        return [(n.id, n.topic) for n in notifications], versions, recorder.max_notification_id()

    rows, versions, head = await asyncio.to_thread(read)
    assert rows == [(1, "Counted.1"), (2, "Told.1"), (3, "Renamed.1")]
    assert (versions, head) == ([1, 2], 3)
    with pytest.raises(ReadOnly):
        recorder.insert_events([StoredEvent(uuid4(), 1, "Counted.1", b"")])
    recorder.datastore.close()


async def test_the_librarys_subscription_is_woken_by_our_appends(log: PostgresEventLog) -> None:
    recorder = log.recorder()

    def first_notification() -> int:
        with recorder.subscribe(gt=0) as subscription:
            return next(subscription).id

    waiting = asyncio.create_task(asyncio.to_thread(first_notification))
    await asyncio.sleep(0.1)
    await record_new(log, Counted(amount=1))
    assert await asyncio.wait_for(waiting, 10) == 1
    recorder.datastore.close()


async def test_many_processes_may_install_the_log_at_once(postgres_url: str) -> None:
    logs = await asyncio.gather(*(PostgresEventLog.open(postgres_url, CODEC, ticking()) for _ in range(6)))
    assert [(await record_new(log, Counted(amount=1)))[0].position for log in logs] == [1, 2, 3, 4, 5, 6]
    for log in logs:
        await log.close()
