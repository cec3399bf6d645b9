"""What a decision about a symbol's residual sees; recorded with it."""

import msgspec

from hedger.domain.policies.inputs import MarketView, SymbolTerms, VenueLimits
from hedger.domain.terms import TradingState


class ResidualInputs(msgspec.Struct, frozen=True, kw_only=True):
    """`residual` is what the quotes of the symbol leave unhedged, netted, long positive (wad)."""

    block_timestamp: int
    venue_time_ms: int
    trading_state: TradingState
    symbol: SymbolTerms
    residual: int
    account_hedge: int  # signed position of all hedges in the symbol, this book's included (wad)
    limits: VenueLimits
    market: MarketView
