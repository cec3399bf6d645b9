"""The read model of exposure: per symbol what is open on chain against what the venue holds. A view over the quotes,
summed when it is read, so that it is exact and cannot drift."""

from collections.abc import Iterable

import msgspec

from hedger.projections.quotes import QuoteRow
from hedger.projections.symbols import SymbolRow
from hedger.projections.tables import Wad


class ExposureRow(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol; quantities signed, long positive.

    `required` is open on chain, `hedged` is held at the venue, `residual` = required - hedged. `unopened` is the part
    of `hedged` held for quotes that are no open position: on their way to one, or to be unwound. `notional` is the sum
    of open quantity times opened price, both sides added up.
    """

    symbol_id: int
    symbol: str
    positions: int
    required: Wad
    hedged: Wad
    residual: Wad
    unopened: Wad
    notional: Wad


VIEW = """CREATE VIEW exposure AS
SELECT quotes.symbol_id, coalesce(min(symbols.name), '') AS symbol,
    count(*) FILTER (WHERE is_position) AS positions,
    sum(required) AS required, sum(hedged) AS hedged, sum(required) - sum(hedged) AS residual,
    coalesce(sum(hedged) FILTER (WHERE NOT is_position), 0) AS unopened,
    coalesce(sum(notional) FILTER (WHERE is_position), 0) AS notional
FROM quotes LEFT JOIN symbols ON symbols.symbol_id = quotes.symbol_id
WHERE is_position OR hedged <> 0
GROUP BY quotes.symbol_id;
"""


def exposure(quotes: Iterable[QuoteRow], symbols: dict[int, SymbolRow]) -> list[ExposureRow]:
    """What the view shows, of rows at hand; by symbol id."""
    by_symbol: dict[int, list[QuoteRow]] = {}
    for quote in quotes:
        if quote.is_position or quote.hedged:
            by_symbol.setdefault(quote.symbol_id, []).append(quote)
    return [_sum(symbol_id, rows, symbols.get(symbol_id)) for symbol_id, rows in sorted(by_symbol.items())]


def _sum(symbol_id: int, rows: list[QuoteRow], symbol: SymbolRow | None) -> ExposureRow:
    required, hedged = sum(row.required for row in rows), sum(row.hedged for row in rows)
    return ExposureRow(
        symbol_id=symbol_id,
        symbol=symbol.name if symbol else "",
        positions=sum(row.is_position for row in rows),
        required=required,
        hedged=hedged,
        residual=required - hedged,
        unopened=sum(row.hedged for row in rows if not row.is_position),
        notional=sum(row.notional for row in rows if row.is_position),
    )
