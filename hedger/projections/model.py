"""What every read model is: a pure fold of the log into sheets, and the projection that keeps the sheets in tables."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec
import psycopg

from hedger.domain.events import Recorded
from hedger.projections.tables import Sheet


class Need(msgspec.Struct, frozen=True):
    """Rows that a fold must have at hand before it takes a batch: a sheet, a condition, its parameters."""

    sheet: Sheet[Any]
    where: str
    parameters: tuple[Any, ...] = ()


class ReadModel(Protocol):
    """A fold of the log. Pure: its rows depend on the events alone, and not on how they are cut into batches."""

    @property
    def name(self) -> str: ...

    @property
    def revision(self) -> int:
        """Raised when the fold comes to mean something else: the rows are then built again from the first event."""
        ...

    @property
    def sheets(self) -> tuple[Sheet[Any], ...]: ...

    @property
    def views(self) -> str:
        """SQL of views over its tables."""
        ...

    def needs(self, batch: Sequence[Recorded]) -> list[Need]:
        """What of the earlier events this batch builds on; a fold from the first event on has it already."""
        ...

    def apply(self, recorded: Recorded) -> None: ...


class TableProjection:
    """Keeps one read model in tables (the port `Projection`)."""

    def __init__(self, make: Callable[[], ReadModel]) -> None:
        self._make = make
        blank = make()
        self._name = blank.name
        self._tables = (
            f"-- {blank.name}, revision {blank.revision}\n"
            + "".join(sheet.table.ddl for sheet in blank.sheets)
            + blank.views
        )

    @property
    def name(self) -> str:
        return self._name

    @property
    def tables(self) -> str:
        return self._tables

    async def apply(self, batch: Sequence[Recorded], tx: psycopg.AsyncConnection[Any]) -> None:
        model = self._make()
        for need in model.needs(batch):
            need.sheet.hold(await need.sheet.table.load(tx, need.where, need.parameters))
        for recorded in batch:
            model.apply(recorded)
        for sheet in model.sheets:
            await sheet.write(tx)
