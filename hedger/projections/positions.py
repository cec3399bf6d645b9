"""The table of positions: how far each projection is, moved in the same transaction as its rows."""

import hashlib
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg_pool import AsyncConnectionPool

Pool = AsyncConnectionPool[psycopg.AsyncConnection[Any]]

_CREATE = """
CREATE TABLE IF NOT EXISTS projection_positions (
    name text PRIMARY KEY,
    position bigint NOT NULL,
    parked_at bigint,
    error text,
    fingerprint text NOT NULL,
    tables text[] NOT NULL
)
"""

_CREATED_TABLE = re.compile(
    r'\bcreate\s+(?:unlogged\s+)?table\s+(?:if\s+not\s+exists\s+)?(?:\{schema\}\s*\.\s*)?"?(\w+)"?', re.IGNORECASE
)


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a projection is. Parked: the position of the event it cannot take, and why."""

    position: int
    parked_at: int | None = None
    error: str | None = None


class Moved(Exception):
    """Somebody else moved, parked or reset the projection meanwhile: read its position again."""


class Positions:
    """The positions of the projections whose tables are in `schema`."""

    def __init__(self, pool: Pool, schema: str) -> None:
        self._pool = pool
        self._schema = schema

    async def prepare(self, tables: Mapping[str, str]) -> dict[str, Progress]:
        """Create what is missing, by name and SQL; start over where the SQL has changed; unpark what is parked."""
        async with self._installing() as tx:
            for name, ddl in tables.items():
                cursor = await tx.execute(
                    "UPDATE projection_positions SET parked_at = NULL, error = NULL"
                    " WHERE name = %s AND fingerprint = %s",
                    (name, _fingerprint(ddl)),
                )
                if cursor.rowcount == 0:
                    await self._start_over(tx, name, ddl)
        return await self.read(tables)

    async def reset(self, name: str, ddl: str) -> Progress:
        """Drop the projection's tables, create them empty, and set it before the first event."""
        async with self._installing() as tx:
            await self._start_over(tx, name, ddl)
        return Progress(position=0)

    async def read(self, names: Iterable[str]) -> dict[str, Progress]:
        """The progress of each; position 0 where it has never run."""
        async with self._transaction() as tx:
            found = await (await tx.execute("SELECT to_regclass('projection_positions')")).fetchone()
            if found is None or found[0] is None:
                return {name: Progress(position=0) for name in names}
            cursor = await tx.execute("SELECT name, position, parked_at, error FROM projection_positions")
            known = {
                name: Progress(position=position, parked_at=parked_at, error=error)
                for name, position, parked_at, error in await cursor.fetchall()
            }
        return {name: known.get(name, Progress(position=0)) for name in names}

    @asynccontextmanager
    async def moving(self, name: str, after: int, last: int) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        """A transaction that moves the projection from `after` to `last`, and in which its rows are to be written.

        The position comes first: its row lock keeps out whoever else moves or rebuilds. Raises Moved.
        """
        async with self._transaction() as tx:
            cursor = await tx.execute(
                "UPDATE projection_positions SET position = %s WHERE name = %s AND position = %s AND parked_at IS NULL",
                (last, name, after),
            )
            if cursor.rowcount != 1:
                raise Moved(name)
            yield tx

    async def park(self, name: str, progress: Progress) -> None:
        """Hold the projection where it stands. Raises Moved."""
        async with self._transaction() as tx:
            cursor = await tx.execute(
                "UPDATE projection_positions SET parked_at = %s, error = %s WHERE name = %s AND position = %s",
                (progress.parked_at, progress.error, name, progress.position),
            )
            if cursor.rowcount != 1:
                raise Moved(name)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        """Committed asynchronously: what a crash of the server takes away, position and rows alike, is made again."""
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(
                "SELECT set_config('search_path', %s, true), set_config('synchronous_commit', 'off', true)",
                (sql.Identifier(self._schema).as_string(),),
            )
            yield connection

    @asynccontextmanager
    async def _installing(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        """A transaction in which one process at a time creates and drops tables."""
        async with self._transaction() as tx:
            await tx.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended('projection_positions ' || %s, 0))", (self._schema,)
            )
            await tx.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(self._schema)))
            await tx.execute(_CREATE)
            yield tx

    async def _start_over(self, tx: psycopg.AsyncConnection[Any], name: str, ddl: str) -> None:
        cursor = await tx.execute("SELECT tables FROM projection_positions WHERE name = %s FOR UPDATE", (name,))
        former = await cursor.fetchone()
        tables = _CREATED_TABLE.findall(ddl)
        for table in {*tables, *(former[0] if former else ())}:
            await tx.execute(sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(sql.Identifier(self._schema, table)))
        await tx.execute(ddl.replace("{schema}", sql.Identifier(self._schema).as_string()).encode())
        await tx.execute(
            "INSERT INTO projection_positions (name, position, fingerprint, tables) VALUES (%s, 0, %s, %s)"
            " ON CONFLICT (name) DO UPDATE SET position = 0, parked_at = NULL, error = NULL,"
            " fingerprint = excluded.fingerprint, tables = excluded.tables",
            (name, _fingerprint(ddl), tables),
        )


def _fingerprint(ddl: str) -> str:
    return hashlib.sha256(ddl.encode()).hexdigest()[:16]
