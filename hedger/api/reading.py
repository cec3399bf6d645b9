"""Reads read models and their log position in one snapshot of the database, so that rows and position agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.abc import Buffer
from psycopg.adapt import Loader

from hedger.api.deps import Pool

Row = tuple[Any, ...]


class WholeNumber(Loader):
    """Every numeric column of the read models holds whole numbers, of any size."""

    def load(self, data: Buffer) -> int:
        return int(bytes(data))


class NotReady(Exception):
    """The read models are not there yet: no projector has ever run on this database."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A query; tables are named as `{schema}.table`."""

    text: str
    parameters: Sequence[Any] = ()


class Reader:
    """Answers queries over the read models of one schema."""

    def __init__(self, pool: Pool, schema: str) -> None:
        self._pool = pool
        self._schema = sql.Identifier(schema).as_string()

    async def read(self, projection: str, *statements: Statement) -> tuple[int, list[list[Row]]]:
        """The projection's log position, and each statement's rows, as of one instant. Raises NotReady."""
        try:
            async with self._pool.connection() as connection:
                await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                try:
                    position = await self._position(connection, projection)
                    rows = [await self._rows(connection, statement) for statement in statements]
                finally:
                    await connection.execute("ROLLBACK")  # nothing was written, so this ends it after an error too
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
            raise NotReady("the read models have not been built yet") from error
        return position, rows

    async def _position(self, connection: psycopg.AsyncConnection[Any], projection: str) -> int:
        text = "SELECT position FROM {schema}.projection_positions WHERE name = %s"
        found = await self._rows(connection, Statement(text, (projection,)))
        if not found:
            raise NotReady(f"the read model {projection} has not been built yet")
        return int(found[0][0])

    async def _rows(self, connection: psycopg.AsyncConnection[Any], statement: Statement) -> list[Row]:
        cursor = connection.cursor()
        cursor.adapters.register_loader("numeric", WholeNumber)
        text = statement.text.replace("{schema}", self._schema)
        await cursor.execute(text.encode(), statement.parameters)
        return await cursor.fetchall()
