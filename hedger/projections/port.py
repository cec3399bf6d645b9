"""What a projection is, and what the projector needs of the log it reads."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol, runtime_checkable

import psycopg

from hedger.domain.events import Recorded


class Projection(Protocol):
    """One read model. Disposable: its tables can be dropped and filled again from the log."""

    @property
    def name(self) -> str: ...

    @property
    def tables(self) -> str:
        """SQL that creates its tables (CREATE TABLE) and indexes, `{schema}` standing for the schema, which need not
        be named. The SQL changed since last time means a rebuild from the first event."""
        ...

    async def apply(self, batch: Sequence[Recorded], tx: psycopg.AsyncConnection[Any]) -> None:
        """Write what the events mean, inside the transaction that also moves the position; tables need no schema in
        front. Called with every event, in order, each once. Raises where an event cannot be taken."""
        ...


class LogReader(Protocol):
    """What the projector needs of the log."""

    async def page(self, *, after: int, limit: int, upto: int | None = None) -> list[Recorded]: ...

    def follow(self, *, after: int, batch: int = 500) -> AsyncIterator[list[Recorded]]: ...

    async def head(self) -> int: ...


@runtime_checkable
class Unreadable(Protocol):
    """The error of a log that holds an event which today's code cannot read."""

    position: int
    tag: str


class ProjectionParked(Exception):
    """The projection stands before an event that it cannot take; it skipped nothing."""

    def __init__(self, name: str, error: str) -> None:
        super().__init__(f"projection {name} is parked: {error}")
        self.name = name
        self.error = error
