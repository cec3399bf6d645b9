"""The read model of open positions: those quotes that are open on chain and ours. A view, so never apart from them."""

from collections.abc import Iterable

import msgspec

from hedger.projections.quotes import QuoteRow
from hedger.projections.symbols import SymbolRow
from hedger.projections.tables import Wad


class PositionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One open position. `notional` is at the opened price; `residual` = required - hedged, both signed."""

    quote_id: int
    party_a: str
    symbol_id: int
    symbol: str
    position_type: int
    status: int
    status_since: int
    quantity: Wad
    open_quantity: Wad
    opened_price: Wad
    notional: Wad
    required: Wad
    hedged: Wad
    residual: Wad
    hedge_open_price: Wad
    cva: Wad
    lf: Wad
    party_a_mm: Wad
    party_b_mm: Wad
    close_id: int | None
    close_quantity: Wad | None
    close_filled: Wad | None


_COMPUTED = {"symbol": "coalesce(symbols.name, '')", "residual": "required - hedged"}

VIEW = (
    "CREATE VIEW positions AS SELECT "
    + ", ".join(f"{_COMPUTED.get(name, f'quotes.{name}')} AS {name}" for name in PositionRow.__struct_fields__)
    + " FROM quotes LEFT JOIN symbols ON symbols.symbol_id = quotes.symbol_id WHERE is_position;\n"
)


def positions(quotes: Iterable[QuoteRow], symbols: dict[int, SymbolRow]) -> list[PositionRow]:
    """What the view shows, of rows at hand; by quote id."""
    rows = [_position(quote, symbols.get(quote.symbol_id)) for quote in quotes if quote.is_position]
    return sorted(rows, key=lambda row: row.quote_id)


def _position(quote: QuoteRow, symbol: SymbolRow | None) -> PositionRow:
    copied = {
        name: getattr(quote, name) for name in PositionRow.__struct_fields__ if name not in ("symbol", "residual")
    }
    return PositionRow(**copied, symbol=symbol.name if symbol else "", residual=quote.required - quote.hedged)
