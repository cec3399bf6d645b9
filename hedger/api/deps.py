"""What the API needs of the house; every part is handed in."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

import psycopg
from prometheus_client import CollectorRegistry
from psycopg_pool import AsyncConnectionPool

from hedger.domain.events import Recorded

Pool = AsyncConnectionPool[psycopg.AsyncConnection[Any]]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a readiness check found; `detail` is for people."""

    ok: bool
    detail: str


Check = Callable[[], Awaitable[CheckResult]]
"""Looks at one thing that must be well before requests are served. It may raise, or take too long: that is not well."""


class HistoryLog(Protocol):
    """The part of the event log that the history of a quote is read from."""

    async def events_of(self, aggregate_id: UUID, *, after_version: int = 0, upto: int | None = None) -> list[Recorded]:
        """The events of one aggregate in order; with `upto`, only those at or before that log position."""
        ...


@dataclass(frozen=True, slots=True)
class ApiDeps:
    """The pool of the database that holds the read models in `schema`, the log, and what is optional.

    `checks` by name answer `/readyz`; without `registry` there is no `/metrics`. `origins` are the front ends that may
    call from a browser. `marks` are the newest mark prices by symbol, `coin_price` what gas is converted at (wads).
    """

    pool: Pool
    log: HistoryLog
    schema: str = "public"
    checks: Mapping[str, Check] = field(default_factory=dict)
    registry: CollectorRegistry | None = None
    origins: Sequence[str] = ("*",)
    version: str = ""
    marks: Callable[[], Mapping[str, int]] = dict
    coin_price: int | None = None
