"""A listing: which fields of which read model are answered, in which order, and page by page."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from hedger.api.answers import BytesAnswer, json_answer, lines
from hedger.api.errors import invalid, not_found
from hedger.api.reading import Reader, Row, Statement
from hedger.api.schemas import Out
from hedger.projections.tables import Column

MAX_LIMIT = 500


@dataclass(frozen=True)
class Order:
    """A column that rows are ordered by; together they are unique, so that pages neither repeat nor leave out."""

    column: str
    sql_type: str = "bigint"


@dataclass(frozen=True)
class Filter:
    """A condition with one parameter; left out where the parameter is None."""

    condition: str
    parameter: Any


@dataclass(frozen=True)
class Listing:
    """`source` is the FROM clause with `{schema}` in it; `computed` names columns that are expressions over it."""

    projection: str
    source: str
    columns: tuple[Column, ...]
    out: type[Out]
    order: tuple[Order, ...]
    descending: bool = False
    computed: dict[str, str] = field(default_factory=dict)

    @cached_property
    def _shown(self) -> tuple[Column, ...]:
        known = {column.name: column for column in self.columns}
        return tuple(known.get(name, Column(name, "text", False, "")) for name in self.out.model_fields)

    @cached_property
    def _select(self) -> str:
        shown = ", ".join(self.computed.get(column.name, f"t.{column.name}") for column in self._shown)
        keys = ", ".join(f"t.{order.column}::text" for order in self.order)
        return f"SELECT {shown}, {keys} FROM {self.source}"

    async def page(
        self, reader: Reader, filters: Sequence[Filter] = (), *, limit: int = MAX_LIMIT, cursor: str | None = None
    ) -> BytesAnswer:
        """The answer `Page`: at most `limit` rows behind the cursor. Raises ApiError for a cursor of another kind."""
        used = [each for each in filters if each.parameter is not None]
        conditions = [each.condition for each in used]
        parameters = [each.parameter for each in used]
        if cursor is not None:
            conditions.append(self._behind)
            parameters.extend(self._parsed(cursor))
        direction = " DESC" if self.descending else ""
        by = ", ".join(f"t.{order.column}{direction}" for order in self.order)
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        statement = Statement(f"{self._select}{where} ORDER BY {by} LIMIT %s", (*parameters, limit + 1))
        as_of, (rows,) = await reader.read(self.projection, statement)
        shown = rows[:limit]
        following = self._cursor(shown[-1]) if len(rows) > limit else None
        return json_answer({"as_of": as_of, "items": lines(self._shown, shown), "next_cursor": following})

    async def one(self, reader: Reader, condition: Filter, *, what: str, field: str) -> BytesAnswer:
        """The answer `Single`. Raises ApiError where there is no such row."""
        statement = Statement(f"{self._select} WHERE {condition.condition}", (condition.parameter,))
        as_of, (rows,) = await reader.read(self.projection, statement)
        if not rows:
            raise not_found(what, field=field)
        return json_answer({"as_of": as_of, "item": lines(self._shown, rows)[0]})

    @property
    def _behind(self) -> str:
        columns = ", ".join(f"t.{order.column}" for order in self.order)
        places = ", ".join(f"%s::{order.sql_type}" for order in self.order)
        return f"({columns}) {'<' if self.descending else '>'} ({places})"

    def _cursor(self, row: Row) -> str:
        return "~".join(row[len(self._shown) :])

    def _parsed(self, cursor: str) -> list[str]:
        parts = cursor.split("~")
        if len(parts) != len(self.order) or not all(map(_fits, parts, self.order)):
            raise invalid("This cursor was not given by this listing.", field="cursor")
        return parts


def _fits(text: str, order: Order) -> bool:
    if order.sql_type == "text":
        return "\x00" not in text
    return text.isascii() and text.isdigit() and len(text) <= (18 if order.sql_type == "bigint" else 78)
