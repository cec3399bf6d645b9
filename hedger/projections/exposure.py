"""The read model of exposure: per symbol what is open on chain against what the venue holds. A view over the quotes,
summed when it is read, so that it is exact and cannot drift."""

from collections.abc import Iterable

import msgspec

from hedger.projections.quotes import QuoteRow
from hedger.projections.residuals import ResidualRow
from hedger.projections.symbols import SymbolRow
from hedger.projections.tables import Wad


class ExposureRow(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol; quantities signed, long positive.

    `required` is open on chain, `hedged` is held at the venue, `by_book` the part of it that the symbol's residual book
    holds, `residual` = required - hedged. `unopened` is the part of `hedged` held for quotes that are no open position:
    on their way to one, or to be unwound. `notional` is the sum of open quantity times opened price, both sides added.
    """

    symbol_id: int
    symbol: str
    positions: int
    required: Wad
    hedged: Wad
    by_book: Wad
    residual: Wad
    unopened: Wad
    notional: Wad


VIEW = """CREATE VIEW exposure AS
WITH of_quotes AS (
    SELECT symbol_id, count(*) FILTER (WHERE is_position) AS positions, sum(required) AS required,
        sum(hedged) AS hedged, coalesce(sum(hedged) FILTER (WHERE NOT is_position), 0) AS unopened,
        coalesce(sum(notional) FILTER (WHERE is_position), 0) AS notional
    FROM quotes WHERE is_position OR hedged <> 0 GROUP BY symbol_id
), of_books AS (
    SELECT symbol_id, sum(held) AS held FROM residuals WHERE held <> 0 GROUP BY symbol_id
)
SELECT symbol_id, coalesce(symbols.name, '') AS symbol, coalesce(positions, 0) AS positions,
    coalesce(required, 0) AS required, coalesce(hedged, 0) + coalesce(held, 0) AS hedged,
    coalesce(held, 0) AS by_book, coalesce(required, 0) - coalesce(hedged, 0) - coalesce(held, 0) AS residual,
    coalesce(unopened, 0) AS unopened, coalesce(notional, 0) AS notional
FROM of_quotes FULL JOIN of_books USING (symbol_id) LEFT JOIN symbols USING (symbol_id);
"""


def exposure(
    quotes: Iterable[QuoteRow], residuals: Iterable[ResidualRow], symbols: dict[int, SymbolRow]
) -> list[ExposureRow]:
    """What the view shows, of rows at hand; by symbol id."""
    by_symbol: dict[int, list[QuoteRow]] = {}
    for quote in quotes:
        if quote.is_position or quote.hedged:
            by_symbol.setdefault(quote.symbol_id, []).append(quote)
    held = {row.symbol_id: row.held for row in residuals if row.held}
    return [
        _sum(symbol_id, by_symbol.get(symbol_id, []), held.get(symbol_id, 0), symbols.get(symbol_id))
        for symbol_id in sorted(by_symbol.keys() | held.keys())
    ]


def _sum(symbol_id: int, rows: list[QuoteRow], held: int, symbol: SymbolRow | None) -> ExposureRow:
    required, hedged = sum(row.required for row in rows), sum(row.hedged for row in rows) + held
    return ExposureRow(
        symbol_id=symbol_id,
        symbol=symbol.name if symbol else "",
        positions=sum(row.is_position for row in rows),
        required=required,
        hedged=hedged,
        by_book=held,
        residual=required - hedged,
        unopened=sum(row.hedged for row in rows if not row.is_position),
        notional=sum(row.notional for row in rows if row.is_position),
    )
