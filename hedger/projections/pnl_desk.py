"""The desk at which profit and loss is written: the sheets, and how moves become lines in them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from hedger.domain.accounting.lines import Line
from hedger.domain.accounting.moves import AnyMove, Entry
from hedger.domain.events import ChainFact, Recorded
from hedger.projections.pnl_rows import (
    BOOKS,
    LINES,
    OPENING,
    SYMBOLS,
    TRADES,
    Cell,
    PnlLineRow,
    PnlOpeningRow,
    PnlSymbolRow,
)
from hedger.projections.tables import Sheet


class Desk:
    """The sheets of one fold, as one PartyB (address) sees the log."""

    def __init__(self, party_b: str) -> None:
        self.party_b = party_b.lower()
        self.lines = Sheet(LINES)
        self.books = Sheet(BOOKS)
        self.symbols = Sheet(SYMBOLS)
        self.trades = Sheet(TRADES)
        self.opening = Sheet(OPENING)

    @property
    def opened(self) -> PnlOpeningRow | None:
        """The opening state, None while there is none and nothing counts."""
        return self.opening.get(1)

    def cell(self, aggregate_id: UUID, kind: str, *, symbol: str = "", party_a: str = "") -> Cell:
        """The book of an aggregate, a new one where there is none."""
        return self.books.get(aggregate_id) or Cell.new(aggregate_id, kind, symbol=symbol, party_a=party_a)

    def entry(self, recorded: Recorded, move: AnyMove, at_ms: int = 0, *, slot: int = 0) -> Entry:
        """The move with its place. Facts of the chain count from the block behind the opening state on, all else once
        there is one."""
        event, opened = recorded.event, self.opened
        if not isinstance(event, ChainFact):
            return Entry(position=recorded.position, at_ms=at_ms, move=move, counts=opened is not None, slot=slot)
        source = event.source
        return Entry(
            position=recorded.position,
            at_ms=source.block_timestamp * 1000,
            move=move,
            block_number=source.block_number,
            log_index=source.log_index,
            block_hash=source.block_hash,
            counts=opened is not None and source.block_number > opened.block_number,
            slot=slot,
        )

    def take(self, cell: Cell, entry: Entry) -> None:
        """Put a move into its book, and write its lines. A fact of the chain that was missed at first is put where it
        stands on the chain, and all behind it counted anew."""
        is_late = entry.is_of_chain and any(
            each.holds and each.is_of_chain and each.place > entry.place for each in cell.stored.entries
        )
        cell.stored.entries.append(entry)
        if is_late:
            self.fold_again(cell)
            return
        self._write(cell, entry, cell.book.apply(entry))
        self.books.put(cell, cell.aggregate_id)

    def fold_again(self, cell: Cell) -> None:
        """Replace every line of a book by those of the moves that hold now."""
        for key in cell.stored.keys:
            self.lines.remove(*key)
        cell.stored.keys = []
        for entry in cell.start_again():
            self._write(cell, entry, cell.book.apply(entry))
        self.books.put(cell, cell.aggregate_id)

    def put(
        self,
        line: Line,
        recorded: Recorded,
        at_ms: int,
        *,
        of: Cell | None = None,
        symbol: str = "",
        slot: int = 0,
        block_hash: str = "",
    ) -> None:
        """Write a line that is in no book; nothing before the opening state."""
        if self.opened is not None:
            key = (recorded.position, slot)
            self._put(line, of, recorded.aggregate_id, key, at_ms, symbol=symbol, block_hash=block_hash)

    def asset(self, name: str) -> str:
        """Empty for the asset that the venue's wallet is counted in."""
        opened = self.opened
        return "" if opened is not None and name == opened.asset else name

    def traded(self, symbol: str, *, traded: int = 0, realised: int = 0, movements: int = 0) -> None:
        """Add to what the venue's account did in a symbol."""
        known = self.symbols.get(symbol) or PnlSymbolRow(symbol=symbol, traded=0, realised=0, movements=0)
        row = PnlSymbolRow(
            symbol=symbol,
            traded=known.traded + traded,
            realised=known.realised + realised,
            movements=known.movements + movements,
        )
        self.symbols.put(row, symbol)

    def of_symbol(self, symbol: str) -> list[Cell]:
        """The books of a symbol at hand, in an order that does not depend on how they were loaded."""
        found = (cell for cell in self.books.cells.values() if cell.symbol == symbol)
        return sorted(found, key=lambda cell: cell.aggregate_id)

    def _write(self, cell: Cell, entry: Entry, lines: Sequence[Line]) -> None:
        for number, line in enumerate(lines, entry.slot):
            key = (entry.position, number)
            cell.stored.keys.append(key)
            line = msgspec.structs.replace(line, asset=self.asset(line.asset))
            self._put(line, cell, cell.aggregate_id, key, entry.at_ms, block_hash=entry.block_hash)

    def _put(
        self,
        line: Line,
        cell: Cell | None,
        aggregate_id: UUID,
        key: tuple[int, int],
        at_ms: int,
        *,
        symbol: str = "",
        block_hash: str = "",
    ) -> None:
        row = PnlLineRow(
            position=key[0],
            line_no=key[1],
            at_ms=at_ms,
            day=day_of(at_ms),
            kind=line.kind.value,
            quote_id=cell.quote_id if cell is not None else 0,
            symbol=cell.symbol if cell is not None else symbol,
            party_a=cell.party_a if cell is not None else "",
            amount=line.amount,
            asset=line.asset,
            gas_wei=line.gas_wei,
            sources=_texts(line.sources or (key[0],)),
            note=line.note,
            aggregate_id=aggregate_id,
            block_hash=block_hash,
        )
        self.lines.put(row, *key)


def day_of(at_ms: int) -> str:
    """The UTC day of a time; times past what a calendar holds are told as its last day."""
    return datetime.fromtimestamp(min(at_ms // 1000, 253_402_300_799), UTC).date().isoformat()


def _texts(positions: Iterable[int]) -> tuple[str, ...]:
    return tuple(str(position) for position in positions)
