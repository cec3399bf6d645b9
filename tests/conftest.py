"""One PostgreSQL for the whole run: the embedded one, or the server that HEDGER_TEST_DATABASE names."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from hedger.adapters.postgres import EmbeddedPostgres, drop_database, ensure_database


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a server on which databases may be created."""
    named = os.environ.get("HEDGER_TEST_DATABASE")
    if named:
        yield named
        return
    with tempfile.TemporaryDirectory(prefix="hedger-", ignore_cleanup_errors=True) as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres", disposable=True)
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")  # nothing here outlives the run, so nothing need sync
            connection.execute("SELECT pg_reload_conf()")
        yield server.url
        server.stop()


def fresh_database(server: str) -> Iterator[str]:
    name = f"test_{uuid4().hex}"
    yield ensure_database(server, name)
    drop_database(server, name)


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """URL of an empty database of the test's own."""
    yield from fresh_database(postgres_server)


@pytest.fixture(scope="module")
def module_postgres_url(postgres_server: str) -> Iterator[str]:
    """URL of a database, empty at first, that the tests of one module share."""
    yield from fresh_database(postgres_server)
