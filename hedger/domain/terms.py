"""The words of the protocol and of the venue, as enumerations with the contract's own numbers."""

from enum import IntEnum, StrEnum


class PositionType(IntEnum):
    """Side of PartyA. The hedge has the same side: PartyB is short towards a long PartyA, and long at the venue."""

    LONG = 0
    SHORT = 1


class OrderType(IntEnum):
    LIMIT = 0
    MARKET = 1


class QuoteStatus(IntEnum):
    """Status of a quote on chain (`QuoteStatus` of the contract)."""

    PENDING = 0
    LOCKED = 1
    CANCEL_PENDING = 2
    CANCELED = 3
    OPENED = 4
    CLOSE_PENDING = 5
    CANCEL_CLOSE_PENDING = 6
    CLOSED = 7
    LIQUIDATED = 8
    EXPIRED = 9
    LIQUIDATED_PENDING = 10

    @property
    def is_terminal(self) -> bool:
        return self in _TERMINAL

    @property
    def is_position(self) -> bool:
        """True while the quote is an open position on chain."""
        return self in _POSITION


_TERMINAL = frozenset(
    {
        QuoteStatus.CANCELED,
        QuoteStatus.CLOSED,
        QuoteStatus.LIQUIDATED,
        QuoteStatus.EXPIRED,
        QuoteStatus.LIQUIDATED_PENDING,
    }
)
_POSITION = frozenset({QuoteStatus.OPENED, QuoteStatus.CLOSE_PENDING, QuoteStatus.CANCEL_CLOSE_PENDING})


class BalanceChange(IntEnum):
    """`BalanceChangeType` of the contract; IN and ALLOCATE add to the allocation, OUT and DEALLOCATE take from it."""

    ALLOCATE = 0
    DEALLOCATE = 1
    PLATFORM_FEE_IN = 2
    PLATFORM_FEE_OUT = 3
    REALIZED_PNL_IN = 4
    REALIZED_PNL_OUT = 5
    CVA_IN = 6
    CVA_OUT = 7
    LF_IN = 8
    LF_OUT = 9
    FUNDING_FEE_IN = 10
    FUNDING_FEE_OUT = 11
    DEFERRED_BALANCE_IN = 12
    DEFERRED_BALANCE_OUT = 13

    @property
    def sign(self) -> int:
        return 1 if self.name.endswith("_IN") or self is BalanceChange.ALLOCATE else -1


class Side(StrEnum):
    """Side of an order at the venue."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


class Leg(StrEnum):
    """What an order is for. The letter goes into the client order id."""

    OPEN = "o"
    CLOSE = "c"
    UNWIND = "u"
    REHEDGE = "r"

    @property
    def grows(self) -> bool:
        """True where a fill adds to the hedge, False where it takes from it."""
        return self in (Leg.OPEN, Leg.REHEDGE)


class CallKind(StrEnum):
    """What PartyB asks of the contract; each is one transaction (a batch where funds must be allocated first).

    The first ones are asked for by a quote, those from ALLOCATE on by an account: one (PartyB, PartyA) pair.
    """

    LOCK = "lock"
    UNLOCK = "unlock"
    OPEN = "open"
    LOCK_AND_OPEN = "lock_and_open"
    ACCEPT_CANCEL = "accept_cancel"
    FILL_CLOSE = "fill_close"
    ACCEPT_CANCEL_CLOSE = "accept_cancel_close"
    EXPIRE = "expire"
    EMERGENCY_CLOSE = "emergency_close"
    ALLOCATE = "allocate"  # from the free balance to the pair
    DEALLOCATE = "deallocate"  # back to the free balance
    TRANSFER = "transfer"  # from this pair's allocation to another PartyA's
    CHARGE_FUNDING = "charge_funding"
    SETTLE = "settle"  # unrealised profit of PartyA's positions becomes allocation
    FILL_VAULT = "fill_vault"  # from the free balance to the reserve vault; of PartyB's account with itself
    EMPTY_VAULT = "empty_vault"  # and back

    @property
    def is_of_account(self) -> bool:
        return self in _OF_ACCOUNT

    @property
    def changes_nonces(self) -> bool:
        """True for calls after which every held pair signature of this PartyA is spoilt (protocol, signatures)."""
        return self in _CHANGE_NONCES


_OF_ACCOUNT = frozenset(
    {
        CallKind.ALLOCATE,
        CallKind.DEALLOCATE,
        CallKind.TRANSFER,
        CallKind.CHARGE_FUNDING,
        CallKind.SETTLE,
        CallKind.FILL_VAULT,
        CallKind.EMPTY_VAULT,
    }
)
_CHANGE_NONCES = frozenset(
    {
        CallKind.OPEN,
        CallKind.LOCK_AND_OPEN,
        CallKind.FILL_CLOSE,
        CallKind.EMERGENCY_CLOSE,
        CallKind.CHARGE_FUNDING,
        CallKind.SETTLE,
    }
)


class TradingState(StrEnum):
    """ACTIVE trades; REDUCING sends only what shrinks exposure or answers a user; HALTED sends nothing."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


class MarketMode(StrEnum):
    """How a MARKET intent is taken: lock it before hedging, or hedge first and lock and open in one transaction."""

    LOCK_FIRST = "lock_first"
    HEDGE_FIRST = "hedge_first"


class EmergencyClose(StrEnum):
    """Which positions PartyB closes without being asked, where the contract lets it: none, those of symbols that the
    contract no longer lists, or all while the system or this PartyB is in emergency mode too."""

    NEVER = "never"
    DELISTED = "delisted"
    ALWAYS = "always"


class HedgingMode(StrEnum):
    """How a symbol's quotes are hedged at the venue."""

    PER_QUOTE = "per_quote"  # one to one, by orders of each quote
    NETTED = "netted"  # quotes fill against each other at the venue's price; the residual book hedges what is left
    NONE = "none"  # not at all


def hedge_side(position: PositionType) -> Side:
    """The venue side that opens the hedge of a position."""
    return Side.BUY if position is PositionType.LONG else Side.SELL
