"""A sound log has no problems; one that was tampered with is found out."""

from uuid import uuid4

import psycopg
from log_samples import Counted, Filled, Renamed, change, record, record_new, told

from hedger.adapters.log.postgres_log import PostgresEventLog
from hedger.adapters.log.verify import verify


async def problems(log: PostgresEventLog) -> list[tuple[int, str]]:
    return [(problem.position, problem.what) async for problem in verify(log)]


async def tamper(url: str, *statements: str) -> None:
    """What only the owner can do, and only by taking the guards away."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as owner:
        await owner.execute("ALTER TABLE hedger_events DISABLE TRIGGER append_only")
        await owner.execute("ALTER TABLE hedger_facts DISABLE TRIGGER append_only")
        for statement in statements:
            await owner.execute(statement.encode())


async def test_a_sound_log_has_no_problems(log: PostgresEventLog) -> None:
    for block in range(3):
        await record_new(log, *(Counted(amount=n) for n in range(400)), told(block), Filled(trade_id=str(block)))
    assert await problems(log) == []


async def test_an_empty_log_has_no_problems(log: PostgresEventLog) -> None:
    assert await problems(log) == []


async def test_a_missing_event_shows_as_a_gap_in_positions_and_versions(
    log: PostgresEventLog, postgres_url: str
) -> None:
    one = uuid4()
    await record(log, change(one, 0, *(Counted(amount=n) for n in range(4))))
    await tamper(postgres_url, "DELETE FROM hedger_events WHERE notification_id = 2")
    assert await problems(log) == [
        (3, "positions 2 to 2 are missing"),
        (3, f"aggregate {one}: version 3 where 2 was due"),
    ]


async def test_an_edited_payload_shows(log: PostgresEventLog, postgres_url: str) -> None:
    await record_new(log, Counted(amount=1), Renamed(name="x"), Renamed(name="y"))
    await tamper(
        postgres_url,
        "UPDATE hedger_events SET state = 'nonsense' WHERE notification_id = 1",
        "UPDATE hedger_events SET topic = 'Counted.1' WHERE notification_id = 2",
        "UPDATE hedger_events SET topic = 'Gone.1' WHERE notification_id = 3",
    )
    found = await problems(log)
    assert [position for position, _ in found] == [1, 2, 3]
    assert "'Counted.1' cannot be read" in found[0][1]
    assert found[1][1] == "row of 'Counted.1' holds an event 'Renamed.1'"
    assert "'Gone.1' cannot be read" in found[2][1]


async def test_facts_that_are_not_booked_or_not_told_show(log: PostgresEventLog, postgres_url: str) -> None:
    await record_new(log, told(1), Counted(amount=1), told(2))
    await tamper(
        postgres_url,
        "DELETE FROM hedger_facts WHERE position = 1",
        "INSERT INTO hedger_facts (fact_id, position) VALUES ('invented', 2), ('ahead', 99)",
    )
    assert await problems(log) == [
        (1, "fact chain:1:0xa1:0 is not booked"),
        (2, "fact invented is booked, not told"),
        (99, "fact ahead is booked, not told"),
    ]
