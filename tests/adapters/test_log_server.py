"""The embedded server: starts below the state folder, keeps what was recorded, steps aside for a URL."""

import asyncio
import tempfile
from pathlib import Path

import psycopg
import pytest
from log_samples import CODEC, Counted, record_new, ticking

from hedger.adapters.log.postgres_log import PostgresEventLog
from hedger.adapters.postgres import ensure_database, running_postgres, with_database
from hedger.domain.events import Recorded


async def record_one(url: str) -> list[Recorded]:
    log = await PostgresEventLog.open(url, CODEC, ticking())
    await record_new(log, Counted(amount=1))
    recorded = await log.page(after=0, limit=10)
    await log.close()
    return recorded


def test_what_was_recorded_is_there_when_the_server_starts_again() -> None:
    with tempfile.TemporaryDirectory(prefix="hedger-") as folder:
        for starts in (1, 2):
            with running_postgres(None, Path(folder) / "state") as url:
                assert len(asyncio.run(record_one(url))) == starts
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url)


def test_a_url_that_is_given_is_used_and_no_server_started(tmp_path: Path) -> None:
    with running_postgres("postgresql://db.example/hedger", tmp_path) as url:
        assert url == "postgresql://db.example/hedger"
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_exists_is_kept(postgres_server: str, postgres_url: str) -> None:
    name = postgres_url.split("?")[0].rsplit("/", 1)[1]
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept ()")
    with psycopg.connect(ensure_database(postgres_server, name)) as connection:
        assert connection.execute("SELECT to_regclass('kept')::text").fetchone() == ("kept",)


@pytest.mark.parametrize(
    ("server", "database"),
    [
        ("postgresql://postgres:@/postgres?host=/run/pg", "postgresql://postgres:@/other?host=/run/pg"),
        ("postgresql:///postgres?host=/run/pg", "postgresql:///other?host=/run/pg"),
        ("postgresql://u:p@h:5432/a?sslmode=require", "postgresql://u:p@h:5432/other?sslmode=require"),
        ("postgresql://u@h", "postgresql://u@h/other"),
    ],
)
def test_another_database_of_the_same_server_differs_in_its_name_alone(server: str, database: str) -> None:
    assert with_database(server, "other") == database
