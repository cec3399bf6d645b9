"""The read model of residual books: what the quotes of a symbol left at the last decision, and what the book holds."""

from uuid import UUID

import msgspec

from hedger.domain.events import Recorded
from hedger.domain.residual import ResidualBook, ResidualDecided
from hedger.projections.states import state_codec
from hedger.projections.tables import Sheet, Table, Wad


class ResidualRow(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol's book; quantities signed, long positive. `residual` is what quotes left when the book last traded."""

    aggregate_id: UUID
    symbol_id: int
    symbol: str
    residual: Wad
    held: Wad
    orders: int
    decided_at: int
    first_position: int
    last_position: int
    state: bytes


class TrackedResidual(msgspec.Struct, kw_only=True):
    """A residual book as the read model follows it."""

    book: ResidualBook
    first_position: int
    last_position: int = 0
    symbol: str = ""
    residual: int = 0
    decided_at: int = 0

    @classmethod
    def starting_with(cls, recorded: Recorded, decided: ResidualDecided) -> "TrackedResidual":
        book = ResidualBook(id=recorded.aggregate_id, symbol_id=decided.inputs.symbol.symbol_id)
        return cls(book=book, first_position=recorded.position)

    def take(self, recorded: Recorded) -> None:
        """Move on by one recorded event of this book."""
        event = recorded.event
        self.book.advance([event])
        self.last_position = recorded.position
        if isinstance(event, ResidualDecided):
            self.symbol, self.residual = event.inputs.symbol.name, event.inputs.residual
            self.decided_at = event.inputs.block_timestamp


def _row_of(tracked: TrackedResidual) -> ResidualRow:
    return ResidualRow(
        aggregate_id=tracked.book.id,
        symbol_id=tracked.book.symbol_id,
        symbol=tracked.symbol,
        residual=tracked.residual,
        held=tracked.book.held,
        orders=len(tracked.book.hedge.orders),
        decided_at=tracked.decided_at,
        first_position=tracked.first_position,
        last_position=tracked.last_position,
        state=state_codec(ResidualBook).encode(tracked.book),
    )


RESIDUALS: Table[TrackedResidual] = Table(
    "residuals",
    ResidualRow,
    ("aggregate_id",),
    row_of=_row_of,
    cell_of=lambda row: TrackedResidual(
        book=state_codec(ResidualBook).decode(row.state),
        first_position=row.first_position,
        last_position=row.last_position,
        symbol=row.symbol,
        residual=row.residual,
        decided_at=row.decided_at,
    ),
    shape=state_codec(ResidualBook).shape,
)


def tracked_residual(sheet: Sheet[TrackedResidual], recorded: Recorded) -> TrackedResidual | None:
    """The book that the event is of, moved on by it; None where it is of no book."""
    tracked = sheet.get(recorded.aggregate_id)
    if tracked is None:
        if not isinstance(recorded.event, ResidualDecided):
            return None
        tracked = TrackedResidual.starting_with(recorded, recorded.event)
    tracked.take(recorded)
    sheet.put(tracked, recorded.aggregate_id)
    return tracked
