"""The tables of profit and loss: lines, the books they come from, and what the venue told of trades and cash."""

from typing import Annotated
from uuid import UUID

import msgspec

from hedger.domain.accounting.money_books import AllocationBook, FlowBook
from hedger.domain.accounting.moves import Entry, in_order
from hedger.domain.accounting.position_book import PositionBook
from hedger.domain.terms import Side
from hedger.projections.states import shape_of
from hedger.projections.tables import Table, Wad, Wei, plain

Exact = Annotated[int, msgspec.Meta(extra={"sql": "numeric", "unit": "exact"})]
"""An amount of 36 decimals, as a whole number: products of two wads lose nothing."""

AnyBook = PositionBook | AllocationBook | FlowBook
_BOOKS: dict[str, type[AnyBook]] = {"account": AllocationBook, "treasury": FlowBook}


class PnlLineRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `day` is the UTC day of the event it comes from, `asset` empty for the collateral, `sources` the log
    positions it was made of."""

    position: int
    line_no: int
    at_ms: int
    day: str
    kind: str
    quote_id: int
    symbol: str
    party_a: str
    amount: Exact
    asset: str
    gas_wei: Wei
    sources: tuple[str, ...]
    note: str
    aggregate_id: UUID
    block_hash: str


class OrderTerms(msgspec.Struct, frozen=True, array_like=True):
    """What a fill of an order does not tell."""

    side: Side
    symbol: str
    decision_price: int


class Stored(msgspec.Struct, kw_only=True):
    """What a book is folded from again; `keys` are those of its lines."""

    entries: list[Entry] = []
    orders: dict[str, OrderTerms] = {}
    keys: list[tuple[int, int]] = []
    symbol_id: int = 0


class PnlBookRow(msgspec.Struct, frozen=True, kw_only=True):
    """One book: of a quote, a symbol's residual, what was carried over, what is foreign, an account, the treasury.

    `inventory` is what chain and venue hold together, signed, and `inventory_cost` what it cost; `inventory` times a
    mark less that is its unrealised profit. `hedge` is the venue's part. `carried` is an allocation's part that was
    there before counting began.
    """

    aggregate_id: UUID
    kind: str
    quote_id: int
    symbol: str
    party_a: str
    inventory: Wad
    inventory_cost: Exact
    hedge: Wad
    carried: Wad
    last_traded_at_ms: int
    stored: bytes


class Cell(msgspec.Struct, kw_only=True):
    """A book at work, and what it is of."""

    aggregate_id: UUID
    kind: str
    quote_id: int = 0
    symbol: str = ""
    party_a: str = ""
    last_traded_at_ms: int = 0
    stored: Stored
    book: AnyBook

    @classmethod
    def new(cls, aggregate_id: UUID, kind: str, *, symbol: str = "", party_a: str = "") -> "Cell":
        return cls(
            aggregate_id=aggregate_id,
            kind=kind,
            symbol=symbol,
            party_a=party_a,
            stored=Stored(),
            book=_blank(kind),
        )

    def start_again(self) -> list[Entry]:
        """An empty book, and the moves to fold anew."""
        self.book = _blank(self.kind)
        return in_order(self.stored.entries)

    @property
    def positions(self) -> PositionBook:
        """The book of a position; an empty one where this is none."""
        return self.book if isinstance(self.book, PositionBook) else PositionBook()


def _blank(kind: str) -> AnyBook:
    return _BOOKS[kind]() if kind in _BOOKS else PositionBook(is_foreign=kind == "foreign")


_ENCODER, _DECODER = msgspec.json.Encoder(), msgspec.json.Decoder(Stored)


def _row_of(cell: Cell) -> PnlBookRow:
    book = cell.positions
    return PnlBookRow(
        aggregate_id=cell.aggregate_id,
        kind=cell.kind,
        quote_id=cell.quote_id,
        symbol=cell.symbol,
        party_a=cell.party_a,
        inventory=book.inventory.quantity,
        inventory_cost=book.inventory.cost,
        hedge=book.hedge,
        carried=cell.book.carried if isinstance(cell.book, AllocationBook) else 0,
        last_traded_at_ms=cell.last_traded_at_ms,
        stored=_ENCODER.encode(cell.stored),
    )


def _cell_of(row: PnlBookRow) -> Cell:
    cell = Cell(
        aggregate_id=row.aggregate_id,
        kind=row.kind,
        quote_id=row.quote_id,
        symbol=row.symbol,
        party_a=row.party_a,
        last_traded_at_ms=row.last_traded_at_ms,
        stored=_DECODER.decode(row.stored),
        book=_blank(row.kind),
    )
    for entry in cell.start_again():
        cell.book.apply(entry)
    return cell


class PnlSymbolRow(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue's account did in one symbol since counting began. `traded` is what the trades cost, bought less
    sold; with `realised`, the profit that came into the wallet, it is what the open position must have cost."""

    symbol: str
    traded: Exact
    realised: Wad
    movements: int


class PnlTradeRow(msgspec.Struct, frozen=True, kw_only=True):
    """The commission of one trade as the trade told it and as the wallet moved, in the collateral; null until told."""

    trade_id: str
    told: Wad | None
    moved: Wad | None


class PnlOpeningRow(msgspec.Struct, frozen=True, kw_only=True):
    """The opening state, once a side of it is recorded: what chain and venue were worth, at the marks of then."""

    number: int
    chain_id: int
    diamond: str
    position: int
    block_number: int
    collateral_decimals: int
    asset: str
    chain_value: Exact
    venue_value: Exact


LINES = plain(
    "pnl_lines",
    PnlLineRow,
    ("position", "line_no"),
    indexes=("(quote_id) WHERE quote_id <> 0", "(symbol)", "(party_a)", "(day)", "(block_hash) WHERE block_hash <> ''"),
)
BOOKS: Table[Cell] = Table(
    "pnl_books",
    PnlBookRow,
    ("aggregate_id",),
    row_of=_row_of,
    cell_of=_cell_of,
    indexes=("(symbol)", "(inventory) WHERE inventory <> 0"),
    shape=shape_of(Stored),
)
SYMBOLS = plain("pnl_symbols", PnlSymbolRow, ("symbol",))
TRADES = plain("pnl_trades", PnlTradeRow, ("trade_id",))
OPENING = plain("pnl_opening", PnlOpeningRow, ("number",))
