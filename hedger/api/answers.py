"""Answers as bytes: rows straight to JSON, amounts as decimal text, counts and times as numbers."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson
from starlette.responses import Response

from hedger.domain.accounting.lines import exact_text
from hedger.domain.money import to_text
from hedger.domain.terms import QuoteStatus
from hedger.projections.tables import Column

FAR_FUTURE = 253_402_300_799
"""The last second of the year 9999. A deadline may be any 256-bit number; later ones are told as this."""

Convert = Callable[[Any], Any]

_STATUS = {int(status): status.name.lower() for status in QuoteStatus}


class BytesAnswer(Response):
    """JSON that is bytes already."""

    media_type = "application/json"


def json_bytes(value: Any) -> bytes:
    return orjson.dumps(value)


def json_answer(value: Any, status: int = 200) -> BytesAnswer:
    return BytesAnswer(json_bytes(value), status_code=status)


def converter(column: Column) -> Convert | None:
    """How a column's value goes into an answer; None where it goes as it is."""
    if column.name == "status" and column.sql_type == "bigint":
        return _STATUS.get
    return _OF_UNIT.get(column.unit)


def lines(columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    """Rows as JSON objects."""
    plan = [(place, column.name, converter(column)) for place, column in enumerate(columns)]
    return [
        {
            name: row[place] if convert is None or row[place] is None else convert(row[place])
            for place, name, convert in plan
        }
        for row in rows
    ]


def _seconds(value: int) -> int:
    return min(value, FAR_FUTURE)


_OF_UNIT: dict[str, Convert] = {"wad": to_text, "wei": str, "seconds": _seconds, "exact": exact_text}
