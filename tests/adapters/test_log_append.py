"""Appending: all or none, at the version decided on, each fact once, and nobody pays for another's conflict."""

import asyncio
from uuid import uuid4

import pytest
from log_samples import CODEC, Counted, Filled, Renamed, change, record, record_new, ticking, told

from hedger.adapters.log.port import BlockMark, FactAlreadyRecorded, VersionConflict
from hedger.adapters.log.postgres_log import PostgresEventLog


async def positions(log: PostgresEventLog) -> list[int]:
    return [recorded.position for recorded in await log.page(after=0, limit=10_000)]


async def test_events_are_recorded_in_the_order_given_and_told_with_their_places(log: PostgresEventLog) -> None:
    one, other = uuid4(), uuid4()
    recorded = await log.append(
        [change(one, 0, Counted(amount=1), Counted(amount=2)), change(other, 0, Renamed(name="x"))],
        correlation_id="quote 7",
        causation_id="fact 3",
    )
    assert [(r.position, r.aggregate_id, r.version) for r in recorded] == [(1, one, 1), (2, one, 2), (3, other, 1)]
    assert {(r.correlation_id, r.causation_id) for r in recorded} == {("quote 7", "fact 3")}
    assert await log.page(after=0, limit=10) == recorded


async def test_two_changes_of_one_aggregate_may_follow_each_other_in_one_append(log: PostgresEventLog) -> None:
    one = uuid4()
    recorded = await record(log, change(one, 0, Counted(amount=1)), change(one, 1, Counted(amount=2)))
    assert [r.version for r in recorded] == [1, 2]
    with pytest.raises(VersionConflict):
        await record(log, change(one, 2, Counted(amount=3)), change(one, 2, Counted(amount=4)))
    assert await log.head() == 2


async def test_nothing_to_record_is_recorded_as_nothing(log: PostgresEventLog) -> None:
    assert await record(log) == []
    assert await record(log, change(uuid4(), 0)) == []
    assert await log.head() == 0


async def test_events_decided_on_an_old_version_are_refused_whole(log: PostgresEventLog) -> None:
    one, other = uuid4(), uuid4()
    await record(log, change(one, 0, Counted(amount=1)))
    with pytest.raises(VersionConflict) as error:
        await record(log, change(other, 0, Counted(amount=2)), change(one, 0, Counted(amount=3)))
    assert error.value.aggregate_id == one
    assert await positions(log) == [1]


async def test_events_that_would_leave_a_version_out_are_refused(log: PostgresEventLog) -> None:
    with pytest.raises(VersionConflict):
        await record(log, change(uuid4(), 1, Counted(amount=1)))


async def test_a_decision_is_refused_where_an_aggregate_it_only_looked_at_has_moved_on(log: PostgresEventLog) -> None:
    looked_at = uuid4()
    await record(log, change(looked_at, 0, Counted(amount=1)))
    with pytest.raises(VersionConflict):
        await record(log, change(looked_at, 0), change(uuid4(), 0, Counted(amount=2)))
    await record(log, change(looked_at, 1), change(uuid4(), 0, Counted(amount=2)))


async def test_a_fact_told_twice_is_recorded_once(log: PostgresEventLog) -> None:
    await record_new(log, told(5), Filled(trade_id="t-1"))
    for fact in (told(5), Filled(trade_id="t-1")):
        with pytest.raises(FactAlreadyRecorded) as error:
            await record_new(log, Counted(amount=1), fact)
        assert error.value.fact_id == fact.fact_id
    assert await positions(log) == [1, 2]


async def test_a_fact_told_twice_in_one_append_is_refused(log: PostgresEventLog) -> None:
    with pytest.raises(FactAlreadyRecorded):
        await record_new(log, told(5), told(5))
    assert await log.head() == 0


async def test_a_fact_told_again_of_an_aggregate_that_moved_on_is_named_as_the_fact(log: PostgresEventLog) -> None:
    one = uuid4()
    await record(log, change(one, 0, told(5)))
    with pytest.raises(FactAlreadyRecorded):
        await record(log, change(one, 0, told(5)))


async def test_of_many_who_tell_one_fact_at_once_one_records_it(log: PostgresEventLog) -> None:
    answers = await asyncio.gather(*(record_new(log, told(5)) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(answer, FactAlreadyRecorded) for answer in answers) == 19
    assert await positions(log) == [1]


async def test_of_many_who_decide_on_one_version_at_once_one_is_right(log: PostgresEventLog) -> None:
    one = uuid4()
    answers = await asyncio.gather(
        *(record(log, change(one, 0, Counted(amount=n))) for n in range(20)), return_exceptions=True
    )
    assert sum(isinstance(answer, VersionConflict) for answer in answers) == 19
    assert len(await log.events_of(one)) == 1


async def test_a_conflict_in_a_group_fails_its_own_caller_alone_and_leaves_no_gap(log: PostgresEventLog) -> None:
    taken = uuid4()
    await record(log, change(taken, 0, told(1)))

    async def attempt(n: int) -> str:
        try:
            if n % 7 == 0:
                await record(log, change(taken, 0, Counted(amount=n)))
            elif n % 11 == 0:
                await record_new(log, Counted(amount=n), told(1))
            else:
                recorded = await record_new(log, Counted(amount=n), Filled(trade_id=str(n)))
                assert recorded == await log.page(after=recorded[0].position - 1, limit=2)
                return "recorded"
        except (VersionConflict, FactAlreadyRecorded) as error:
            return type(error).__name__
        return "recorded in spite of a conflict"

    answers = await asyncio.gather(*(attempt(n) for n in range(1, 300)))
    conflicts = [n for n in range(1, 300) if n % 7 == 0]
    repeats = [n for n in range(1, 300) if n % 11 == 0 and n % 7 != 0]
    assert answers.count("VersionConflict") == len(conflicts)
    assert answers.count("FactAlreadyRecorded") == len(repeats)
    assert answers.count("recorded") == 299 - len(conflicts) - len(repeats)
    assert await positions(log) == list(range(1, 2 + 2 * answers.count("recorded")))


async def test_what_the_database_cannot_store_fails_its_own_caller_alone(log: PostgresEventLog) -> None:
    fine = [record_new(log, Filled(trade_id=str(n))) for n in range(5)]
    answers = await asyncio.gather(*fine, record_new(log, Filled(trade_id="nul \x00")), return_exceptions=True)
    assert [isinstance(answer, list) for answer in answers] == [True] * 5 + [False]
    assert await positions(log) == [1, 2, 3, 4, 5]


async def test_an_append_cancelled_before_its_turn_is_not_recorded(log: PostgresEventLog) -> None:
    first = asyncio.create_task(record_new(log, Counted(amount=1)))
    second = asyncio.create_task(record_new(log, Counted(amount=2)))
    await asyncio.sleep(0)
    second.cancel()
    await first
    assert [r.event for r in await log.page(after=0, limit=5)] == [Counted(amount=1)]


async def test_closing_the_log_records_what_waits_and_takes_no_more(postgres_url: str, log: PostgresEventLog) -> None:
    closing = await PostgresEventLog.open(postgres_url, CODEC, ticking())
    waiting = asyncio.create_task(record_new(closing, Counted(amount=1)))
    await asyncio.sleep(0)
    await closing.close()
    assert (await waiting)[0].position == 1
    assert await log.head() == 1


async def test_two_logs_in_one_database_do_not_touch(postgres_url: str, log: PostgresEventLog) -> None:
    other = await PostgresEventLog.open(postgres_url, CODEC, ticking(), name="rehearsal")
    await record_new(log, told(5))
    await record_new(other, told(5))
    assert (await log.head(), await other.head()) == (1, 1)
    await other.close()


async def test_recent_blocks_are_the_highest_ones_newest_first_with_every_fork(log: PostgresEventLog) -> None:
    await record_new(log, told(10), told(11), told(11, 1), told(12, fork="a"), Filled(trade_id="no block"))
    await record_new(log, told(12, fork="b"), told(99, chain_id=2))
    marks = [BlockMark(number=12, hash="0xb12"), BlockMark(number=12, hash="0xa12"), BlockMark(number=11, hash="0xa11")]
    assert await log.recent_blocks(1, limit=3) == marks
    assert await log.recent_blocks(2, limit=3) == [BlockMark(number=99, hash="0xa99")]
    assert await log.recent_blocks(3, limit=3) == []


async def test_what_was_told_in_some_blocks_is_found_by_their_hashes(log: PostgresEventLog) -> None:
    recorded = await record_new(log, told(10), told(11), told(11, 1), Counted(amount=1), told(12, fork="b"))
    assert await log.told_in(["0xb12", "0xa11"]) == [recorded[1], recorded[2], recorded[4]]
    assert await log.told_in([]) == await log.told_in(["0xdead"]) == []
