"""Append only: the database refuses to change what is recorded, whoever asks."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from log_samples import CODEC, Counted, record_new, ticking, told
from psycopg import sql
from psycopg.conninfo import make_conninfo

from hedger.adapters.log.postgres_log import PostgresEventLog
from hedger.adapters.log.schema import grants

CHANGES = [
    "UPDATE hedger_events SET state = ''",
    "DELETE FROM hedger_events",
    "TRUNCATE hedger_events",
    "UPDATE hedger_facts SET position = 7",
    "DELETE FROM hedger_facts WHERE position = 1",
    "TRUNCATE hedger_facts",
    "INSERT INTO hedger_facts (fact_id, position) VALUES ('chain:1:0xa5:0', 1)"
    " ON CONFLICT (fact_id) DO UPDATE SET position = 7",
    "MERGE INTO hedger_events USING (SELECT 1) AS one ON true WHEN MATCHED THEN DELETE",
]


@pytest.fixture
def application_url(postgres_url: str, log: PostgresEventLog) -> Iterator[str]:
    """The log's database as the application's role sees it."""
    role = f"app_{uuid4().hex}"
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        owner.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
        owner.execute(grants(role))
        yield make_conninfo(postgres_url, options=f"-c role={role}")
        owner.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(role)))


def attempt(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


@pytest.mark.parametrize("change", CHANGES)
async def test_the_owner_cannot_change_what_is_recorded(log: PostgresEventLog, postgres_url: str, change: str) -> None:
    recorded = await record_new(log, told(5))
    with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
        attempt(postgres_url, change)
    assert await log.page(after=0, limit=5) == recorded


@pytest.mark.parametrize("change", CHANGES)
async def test_the_application_cannot_change_what_is_recorded(
    log: PostgresEventLog, application_url: str, change: str
) -> None:
    recorded = await record_new(log, told(5))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        attempt(application_url, change)
    assert await log.page(after=0, limit=5) == recorded


async def test_the_guards_are_awake_where_a_replication_stream_is_replayed(
    log: PostgresEventLog, postgres_url: str
) -> None:
    await record_new(log, Counted(amount=1))
    with pytest.raises(psycopg.errors.RestrictViolation):
        attempt(make_conninfo(postgres_url, options="-c session_replication_role=replica"), "DELETE FROM hedger_events")


async def test_the_application_appends_and_reads_with_its_own_role(log: PostgresEventLog, application_url: str) -> None:
    application = await PostgresEventLog.open(application_url, CODEC, ticking())
    recorded = await record_new(application, told(5))
    assert await application.page(after=0, limit=5) == recorded == await log.page(after=0, limit=5)
    await application.close()


async def test_the_application_cannot_insert_past_the_append_function(
    log: PostgresEventLog, application_url: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        attempt(application_url, "INSERT INTO hedger_facts (fact_id, position) VALUES ('x', 1)")


async def test_a_plain_insert_fails_for_want_of_a_position(log: PostgresEventLog, postgres_url: str) -> None:
    statement = (
        "INSERT INTO hedger_events (originator_id, originator_version, topic, state)"
        " VALUES (gen_random_uuid(), 1, 'Counted.1', '')"
    )
    with pytest.raises(psycopg.errors.NotNullViolation):
        attempt(postgres_url, statement)


async def test_a_stranger_cannot_call_the_append_function(
    log: PostgresEventLog, postgres_url: str, application_url: str
) -> None:
    attempt(postgres_url, "REVOKE EXECUTE ON FUNCTION hedger_append FROM " + role_of(application_url))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        attempt(application_url, "SELECT hedger_append('{}', '{}', '{}', '{}', '{}', '{}', '{}')")


def role_of(url: str) -> str:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT current_user").fetchone()
    assert found is not None
    return str(found[0])
