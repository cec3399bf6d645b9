"""What a decision sees. It is recorded with the decision, so that replaying it needs nothing else."""

import msgspec

from hedger.domain.margins import Locked
from hedger.domain.terms import TradingState


class MarketView(msgspec.Struct, frozen=True, kw_only=True):
    """The venue's prices (wads) as of its own clock."""

    bid: int
    ask: int
    mark: int
    funding_rate: int
    at_ms: int


class VenueLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue takes in one order (wads)."""

    tick: int
    step: int
    min_quantity: int
    max_quantity: int
    min_notional: int


class SymbolTerms(msgspec.Struct, frozen=True, kw_only=True):
    """The contract's own terms of a symbol (wads and ratios)."""

    symbol_id: int
    name: str
    is_valid: bool
    min_quote_value: int
    min_lf_portion: int
    max_leverage: int


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides' money at one block (wads)."""

    party_a_allocated: int
    party_a_locked: Locked
    party_a_pending: Locked
    party_a_liquidated: bool
    party_a_suspended: bool
    party_b_free: int
    party_b_allocated: int
    party_b_locked: Locked
    party_b_pending: Locked
    party_b_liquidated: bool


class BookView(msgspec.Struct, frozen=True, kw_only=True):
    """What this hedger already holds or has promised, at opening or requested prices (wads)."""

    symbol_notional: int
    symbol_long_hedge: int  # quantity held long at the venue for all quotes of the symbol; the venue nets the two
    symbol_short_hedge: int
    account_notional: int
    total_notional: int
    account_upnl: int  # unrealised profit of PartyA on its positions with us, at the mark price
    promised_allocation: int  # allocations asked for and not yet seen on chain, all accounts together


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a decision about one quote may look at. Parts not asked for are None."""

    block_number: int
    block_timestamp: int
    venue_time_ms: int
    trading_state: TradingState
    symbol: SymbolTerms | None = None
    limits: VenueLimits | None = None
    market: MarketView | None = None
    account: AccountView | None = None
    book: BookView | None = None
    venue_margin: int | None = None
    max_funding_rate: int | None = None
    paused: tuple[str, ...] = ()
