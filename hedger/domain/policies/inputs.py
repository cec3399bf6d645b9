"""What a decision sees. It is recorded with the decision, so that replaying it needs nothing else."""

import msgspec

from hedger.domain.funding import SymbolFunding
from hedger.domain.margins import Locked
from hedger.domain.policies.health import PairHealth
from hedger.domain.terms import OrderType, PositionType, TradingState


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
    funding_epoch_s: int = 0
    funding_window_s: int = 0  # around each boundary of an epoch, in which funding may be charged
    force_close_gap: int = 0  # how far past the asked price, as a ratio of it, a limit close can be forced


class Cooldowns(msgspec.Struct, frozen=True, kw_only=True):
    """How long PartyA waits for an answer before anybody may force it, seconds."""

    force_cancel_s: int
    force_cancel_close_s: int
    force_close_first_s: int  # from the close request to the first price that counts
    force_close_second_s: int  # from that price to the force close


class PriceRange(msgspec.Struct, frozen=True, kw_only=True):
    """The venue's highest and lowest price since a time (seconds): of its best bid, best ask and mark price."""

    high: int
    low: int
    since: int


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
    account_claims: int = 0  # what calls under way for the same PartyA take of its allocation, beyond what they bring
    account_promised: int = 0  # of `promised_allocation`: what goes to this PartyA
    total_allocated: int = 0  # towards all PartyAs, as the log has it
    reserve_vault: int = 0


class PositionView(msgspec.Struct, frozen=True, kw_only=True):
    """One open position of a pair, as the log has it (wads); `mark` is the venue's, 0 where it is not known."""

    quote_id: int
    symbol_id: int
    position_type: PositionType
    open_quantity: int
    opened_price: int
    locked: Locked
    mark: int
    opened_at: int = 0
    funded_at: int = 0  # when funding was charged last, 0: never
    is_busy: bool = False  # a transaction of the quote itself is under way
    max_funding_rate: int | None = None  # what PartyA agreed to; read where funding may be due


class CloseView(msgspec.Struct, frozen=True, kw_only=True):
    """A close that PartyA asks of one of these positions: what is left of it, at which price (wads)."""

    quote_id: int
    quantity: int
    price: int
    order_type: OrderType
    is_unpaid: bool = False  # the contract refused the newest fill because PartyA must take its profit first


class AccountInputs(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a decision about one (PartyB, PartyA) pair may look at. Parts not asked for are None."""

    block_number: int
    block_timestamp: int
    venue_time_ms: int
    trading_state: TradingState
    account: AccountView | None = None
    positions: tuple[PositionView, ...] = ()
    upnl: int = 0  # unrealised profit of PartyA on these positions, at the marks
    promised_allocation: int = 0  # allocations asked for and not yet seen on chain, all accounts together
    funding: tuple[SymbolFunding, ...] = ()  # of the symbols of these positions whose window is open
    paused: tuple[str, ...] = ()
    pair: PairHealth | None = None  # as memory has it; `account` is newer where it was asked for
    needy: PairHealth | None = None  # another pair that this one is to help
    donor: PairHealth | None = None  # another pair that could help this one
    closes: tuple[CloseView, ...] = ()
    price_age_ms: int = 0  # of the oldest mark among these positions
    total_allocated: int = 0  # towards all PartyAs, as the log has it
    reserve_vault: int = 0
    deallocated_at: int = 0  # block time of the newest deallocation of any pair, seconds
    is_withdrawing: bool = False  # free balance is proposed to leave the contract: its wait must not begin anew


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
    cooldowns: Cooldowns | None = None
    reached: PriceRange | None = None  # since a limit close can be forced, where there is one
