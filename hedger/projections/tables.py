"""Tables of read models: a row is a struct, and its fields are the columns.

Amounts are whole numbers (wads, wei) in columns of type numeric without a bound: what a log of the chain tells may be
any 256-bit number, and a sum or a product of such numbers must neither overflow nor be rounded.
"""

import types
import typing
from collections.abc import Callable, Iterable, Sequence
from functools import cache, cached_property
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import msgspec
import psycopg
from psycopg.types.json import Jsonb

Wad = Annotated[int, msgspec.Meta(extra={"sql": "numeric", "unit": "wad"})]
"""An amount, price, quantity or ratio, scaled by 10**18."""

Wei = Annotated[int, msgspec.Meta(extra={"sql": "numeric", "unit": "wei"})]
"""Gas, or an amount of the chain's own coin in its smallest unit."""

Seconds = Annotated[int, msgspec.Meta(extra={"sql": "numeric", "unit": "seconds"})]
"""A time of the chain that a user chose, so of up to 256 bits."""

Key = tuple[Any, ...]
C = TypeVar("C")

_SQL_TYPES: dict[Any, str] = {int: "bigint", str: "text", bool: "boolean", UUID: "uuid", bytes: "bytea"}


class Column(msgspec.Struct, frozen=True):
    """One column; `unit` is wad, wei, seconds, or empty."""

    name: str
    sql_type: str
    nullable: bool
    unit: str


@cache
def columns_of(row: type[msgspec.Struct]) -> tuple[Column, ...]:
    """The columns that a row struct stands for. Raises TypeError for a field of a type that no column holds."""
    hints = typing.get_type_hints(row, include_extras=True)
    return tuple(_column(name, hints[name]) for name in row.__struct_fields__)


def _column(name: str, hint: Any) -> Column:
    nullable = False
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        members = [member for member in typing.get_args(hint) if member is not type(None)]
        hint, nullable = members[0], True
    if typing.get_origin(hint) is Annotated:
        extra = typing.get_args(hint)[1].extra
        return Column(name, extra["sql"], nullable, extra["unit"])
    if typing.get_origin(hint) is tuple:
        return Column(name, "text[]", nullable, "")
    if typing.get_origin(hint) is dict:
        return Column(name, "jsonb", nullable, "")
    if hint not in _SQL_TYPES:
        raise TypeError(f"no column type for field {name}: {hint}")
    return Column(name, _SQL_TYPES[hint], nullable, "")


class Table(Generic[C]):
    """A table, and how its rows are made of the cells that a read model folds, and cells of rows.

    `key` names the columns of the primary key; `indexes` are further indexes, the part behind ON <table>; `shape`
    marks what is stored in a column of bytes, so that a change of it makes the projector build the table again.
    """

    def __init__(
        self,
        name: str,
        row: type[msgspec.Struct],
        key: tuple[str, ...],
        *,
        row_of: Callable[[C], msgspec.Struct],
        cell_of: Callable[[Any], C],
        indexes: Sequence[str] = (),
        shape: str = "",
    ) -> None:
        self.name, self.row, self.key = name, row, key
        self.row_of, self.cell_of = row_of, cell_of
        self._indexes, self._shape = tuple(indexes), shape

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        return columns_of(self.row)

    @cached_property
    def ddl(self) -> str:
        lines = [
            f"    {column.name} {column.sql_type}{'' if column.nullable else ' NOT NULL'}" for column in self.columns
        ]
        lines.append(f"    PRIMARY KEY ({', '.join(self.key)})")
        mark = f"-- {self.name} holds states of shape {self._shape}\n" if self._shape else ""
        create = mark + f"CREATE TABLE {self.name} (\n" + ",\n".join(lines) + "\n);\n"
        return create + "".join(f"CREATE INDEX ON {self.name} {index};\n" for index in self._indexes)

    @cached_property
    def upsert(self) -> str:
        names = [column.name for column in self.columns]
        sets = ", ".join(f"{name} = excluded.{name}" for name in names if name not in self.key)
        conflict = f"DO UPDATE SET {sets}" if sets else "DO NOTHING"
        places = ", ".join("%s" for _ in names)
        return (
            f"INSERT INTO {self.name} ({', '.join(names)}) VALUES ({places})"
            f" ON CONFLICT ({', '.join(self.key)}) {conflict}"
        )

    @cached_property
    def delete(self) -> str:
        return f"DELETE FROM {self.name} WHERE " + " AND ".join(f"{name} = %s" for name in self.key)

    async def load(
        self, tx: psycopg.AsyncConnection[Any], where: str, parameters: Sequence[Any]
    ) -> list[tuple[Key, C]]:
        """Keys and cells of the rows that match."""
        names = ", ".join(column.name for column in self.columns)
        cursor = tx.cursor(binary=True)
        await cursor.execute(f"SELECT {names} FROM {self.name} WHERE {where}".encode(), parameters)
        rows = [self._row(values) for values in await cursor.fetchall()]
        return [(self.key_of(row), self.cell_of(row)) for row in rows]

    def key_of(self, row: msgspec.Struct) -> Key:
        return tuple(getattr(row, name) for name in self.key)

    def parameters(self, cell: C) -> list[Any]:
        row = self.row_of(cell)
        return [_to_sql(getattr(row, column.name)) for column in self.columns]

    def _row(self, values: Sequence[Any]) -> msgspec.Struct:
        pairs = zip(self.columns, values, strict=True)
        return self.row(**{column.name: _from_sql(column, value) for column, value in pairs})


def plain(name: str, row: type[C], key: tuple[str, ...], *, indexes: Sequence[str] = ()) -> Table[C]:
    """A table whose cells are its rows."""
    return Table(name, row, key, row_of=_same, cell_of=_same, indexes=indexes)  # type: ignore[arg-type]


def _same(row: Any) -> Any:
    return row


def _to_sql(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd")  # PostgreSQL holds no NUL, and what the chain tells may hold one
    if isinstance(value, tuple):
        return [_to_sql(item) for item in value]
    if isinstance(value, dict):
        return Jsonb(value)
    return value


def _from_sql(column: Column, value: Any) -> Any:
    if value is None:
        return None
    if column.sql_type == "numeric":
        return int(value)
    return tuple(value) if column.sql_type == "text[]" else value


class Sheet(Generic[C]):
    """The cells of one table that a fold has at hand, and which of them it changed or removed."""

    def __init__(self, table: Table[C]) -> None:
        self.table = table
        self.cells: dict[Key, C] = {}
        self._changed: dict[Key, None] = {}
        self._removed: dict[Key, None] = {}

    def get(self, *key: Any) -> C | None:
        return self.cells.get(key)

    def put(self, cell: C, *key: Any) -> None:
        self.cells[key] = cell
        self._changed[key] = None
        self._removed.pop(key, None)

    def remove(self, *key: Any) -> None:
        self.cells.pop(key, None)
        self._changed.pop(key, None)
        self._removed[key] = None

    def hold(self, loaded: Iterable[tuple[Key, C]]) -> None:
        """Take in what was loaded; it counts as unchanged."""
        self.cells.update(loaded)

    async def write(self, tx: psycopg.AsyncConnection[Any]) -> None:
        """Bring the table to what the sheet holds."""
        cursor = tx.cursor()
        if self._removed:
            await cursor.executemany(self.table.delete.encode(), list(self._removed))
        if self._changed:
            rows = [self.table.parameters(self.cells[key]) for key in self._changed]
            await cursor.executemany(self.table.upsert.encode(), rows)
