"""The read model of symbols: their names, which the chain's facts do not tell, from what decisions saw."""

import msgspec

from hedger.domain.events import Event
from hedger.domain.policies.inputs import Inputs
from hedger.projections.tables import Sheet, Wad, plain


class SymbolRow(msgspec.Struct, frozen=True, kw_only=True):
    """The contract's terms of a symbol as the newest decision saw them."""

    symbol_id: int
    name: str
    is_valid: bool
    min_quote_value: Wad
    min_lf_portion: Wad
    max_leverage: Wad
    funding_epoch_s: int
    funding_window_s: int


SYMBOLS = plain("symbols", SymbolRow, ("symbol_id",), indexes=("(name)",))


def learn(sheet: Sheet[SymbolRow], event: Event) -> None:
    """Take in the terms of the symbol that a decision looked at."""
    inputs = getattr(event, "inputs", None)
    if not isinstance(inputs, Inputs) or inputs.symbol is None:
        return
    terms = inputs.symbol
    row = SymbolRow(
        symbol_id=terms.symbol_id,
        name=terms.name,
        is_valid=terms.is_valid,
        min_quote_value=terms.min_quote_value,
        min_lf_portion=terms.min_lf_portion,
        max_leverage=terms.max_leverage,
        funding_epoch_s=terms.funding_epoch_s,
        funding_window_s=terms.funding_window_s,
    )
    if sheet.get(row.symbol_id) != row:
        sheet.put(row, row.symbol_id)
