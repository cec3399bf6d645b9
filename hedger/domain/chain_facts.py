"""The facts that the contract's logs tell, one struct an event, old and new twins of one event as one fact.

Addresses are lower-case hex text; amounts, prices and quantities wads; deadlines and timestamps seconds of the chain.
Source: the diamond's events of the same meaning, named beside each struct.
"""

from hedger.domain.events import ChainFact
from hedger.domain.terms import BalanceChange, OrderType, PositionType, QuoteStatus


class QuoteFact(ChainFact, frozen=True, kw_only=True):
    """A fact of one quote. One log may tell of several quotes, so the quote is part of the fact's identity."""

    quote_id: int

    @property
    def fact_id(self) -> str:
        return f"{self.source.fact_id}:{self.quote_id}"


# --- opening


class QuoteSent(QuoteFact, frozen=True, kw_only=True, tag="QuoteSent.1"):
    """SendQuote. `parent_id` is not in the log: it is told by the OpenPosition before it in the same transaction."""

    party_a: str
    party_bs_whitelist: tuple[str, ...]
    symbol_id: int
    position_type: PositionType
    order_type: OrderType
    price: int
    market_price: int
    quantity: int
    cva: int
    lf: int
    party_a_mm: int
    party_b_mm: int
    trading_fee: int
    deadline: int
    parent_id: int = 0


class QuoteLocked(QuoteFact, frozen=True, kw_only=True, tag="QuoteLocked.1"):
    """LockQuote."""

    party_b: str


class QuoteUnlocked(QuoteFact, frozen=True, kw_only=True, tag="QuoteUnlocked.1"):
    """UnlockQuote; `party_b` is the zero address before 0.8.4."""

    party_b: str


class PositionOpened(QuoteFact, frozen=True, kw_only=True, tag="PositionOpened.1"):
    """OpenPosition. A smaller quantity than asked leaves a child quote with the rest."""

    party_a: str
    party_b: str
    quantity: int
    price: int


class CancelRequested(QuoteFact, frozen=True, kw_only=True, tag="CancelRequested.1"):
    """RequestToCancelQuote: CANCELED at once where nobody had locked it, else CANCEL_PENDING."""

    party_a: str
    party_b: str
    status: QuoteStatus


class CancelAccepted(QuoteFact, frozen=True, kw_only=True, tag="CancelAccepted.1"):
    """AcceptCancelRequest. With `parent_id`: a child born cancelled, which no SendQuote announces."""

    parent_id: int = 0


class CancelForced(QuoteFact, frozen=True, kw_only=True, tag="CancelForced.1"):
    """ForceCancelQuote."""


class OpenExpired(QuoteFact, frozen=True, kw_only=True, tag="OpenExpired.1"):
    """ExpireQuoteOpen (ExpireQuote with status EXPIRED before 0.8.3)."""


# --- closing


class CloseRequested(QuoteFact, frozen=True, kw_only=True, tag="CloseRequested.1"):
    """RequestToClosePosition. Order type and deadline replace the quote's own."""

    party_a: str
    party_b: str
    price: int
    quantity: int
    order_type: OrderType
    deadline: int
    close_id: int


class CloseFilled(QuoteFact, frozen=True, kw_only=True, tag="CloseFilled.1"):
    """FillCloseRequest; `status` is the one after it."""

    party_a: str
    party_b: str
    quantity: int
    price: int
    status: QuoteStatus
    close_id: int


class CloseCancelRequested(QuoteFact, frozen=True, kw_only=True, tag="CloseCancelRequested.1"):
    """RequestToCancelCloseRequest."""

    party_a: str
    party_b: str
    close_id: int


class CloseCancelAccepted(QuoteFact, frozen=True, kw_only=True, tag="CloseCancelAccepted.1"):
    """AcceptCancelCloseRequest."""

    close_id: int


class CloseCancelForced(QuoteFact, frozen=True, kw_only=True, tag="CloseCancelForced.1"):
    """ForceCancelCloseRequest."""

    close_id: int


class CloseExpired(QuoteFact, frozen=True, kw_only=True, tag="CloseExpired.1"):
    """ExpireQuoteClose (ExpireQuote with status OPENED before 0.8.3)."""

    close_id: int


class EmergencyClosed(QuoteFact, frozen=True, kw_only=True, tag="EmergencyClosed.1"):
    """EmergencyClosePosition: the whole open amount."""

    party_a: str
    party_b: str
    quantity: int
    price: int
    close_id: int


class ForceClosed(QuoteFact, frozen=True, kw_only=True, tag="ForceClosed.1"):
    """ForceClosePosition."""

    party_a: str
    party_b: str
    quantity: int
    price: int
    status: QuoteStatus
    close_id: int


# --- what changes a quote from outside it


class FundingCharged(QuoteFact, frozen=True, kw_only=True, tag="FundingCharged.1"):
    """One quote of ChargeFundingRate; a positive rate moves value from PartyA to PartyB on both sides."""

    party_a: str
    party_b: str
    rate: int


class PriceSettled(QuoteFact, frozen=True, kw_only=True, tag="PriceSettled.1"):
    """One quote of SettleUpnl: the opened price moves to `price`."""

    party_a: str
    price: int


class PendingLiquidated(QuoteFact, frozen=True, kw_only=True, tag="PendingLiquidated.1"):
    """A quote that ended with a liquidation before it was opened (LiquidatePendingPositionsPartyA, LiquidatePartyB)."""

    party_a: str


class PositionLiquidated(QuoteFact, frozen=True, kw_only=True, tag="PositionLiquidated.1"):
    """One quote of LiquidatePositionsPartyA or LiquidatePositionsPartyB; `quantity` is what was open."""

    party_a: str
    quantity: int


# --- accounts


class AccountFact(ChainFact, frozen=True, kw_only=True):
    """A fact of one (PartyB, PartyA) pair."""

    party_b: str
    party_a: str


class AllocationChanged(AccountFact, frozen=True, kw_only=True, tag="AllocationChanged.1"):
    """BalanceChangePartyB: what PartyB has allocated towards PartyA, up or down by `kind.sign`."""

    amount: int
    kind: BalanceChange


class PartyBLiquidationStarted(AccountFact, frozen=True, kw_only=True, tag="PartyBLiquidationStarted.1"):
    """LiquidatePartyB: PartyB is being liquidated towards PartyA."""

    upnl: int


class PartyBLiquidationEnded(AccountFact, frozen=True, kw_only=True, tag="PartyBLiquidationEnded.1"):
    """FullyLiquidatedPartyB."""


class PartyAFact(ChainFact, frozen=True, kw_only=True):
    """A fact of one PartyA, whichever PartyB it trades with."""

    party_a: str


class PartyALiquidationStarted(PartyAFact, frozen=True, kw_only=True, tag="PartyALiquidationStarted.1"):
    """LiquidatePartyA or DeferredLiquidatePartyA."""

    upnl: int


class PartyALiquidationEnded(PartyAFact, frozen=True, kw_only=True, tag="PartyALiquidationEnded.1"):
    """FullyLiquidatedPartyA."""


class SuspensionChanged(PartyAFact, frozen=True, kw_only=True, tag="SuspensionChanged.1"):
    """SetSuspendedAddress; `party_a` is whoever was suspended or released."""

    suspended: bool


# --- balances on the contract


class TreasuryFact(ChainFact, frozen=True, kw_only=True):
    """A fact of what one address holds on the contract outside of allocations. One log may move two such balances, so
    the holder is part of the fact's identity."""

    holder: str

    @property
    def fact_id(self) -> str:
        return f"{self.source.fact_id}:treasury:{self.holder}"


class Deposited(TreasuryFact, frozen=True, kw_only=True, tag="Deposited.1"):
    """Deposit: the token came in. `token_amount` in the collateral's own decimals."""

    sender: str
    token_amount: int


class Withdrawn(TreasuryFact, frozen=True, kw_only=True, tag="Withdrawn.1"):
    """Withdraw or TransferToBridge: the token went out. `token_amount` in the collateral's own decimals."""

    receiver: str
    token_amount: int


class FreeAllocated(TreasuryFact, frozen=True, kw_only=True, tag="FreeAllocated.1"):
    """AllocateForPartyB: from the free balance to the allocation towards one PartyA."""

    party_a: str
    amount: int


class FreeDeallocated(TreasuryFact, frozen=True, kw_only=True, tag="FreeDeallocated.1"):
    """DeallocateForPartyB: back to the free balance. The wait before a withdrawal begins anew."""

    party_a: str
    amount: int


class FreeGiven(TreasuryFact, frozen=True, kw_only=True, tag="FreeGiven.1"):
    """InternalTransfer, or DepositToReserveVault for another: from the free balance to somebody else."""

    receiver: str
    amount: int


class VaultFilled(TreasuryFact, frozen=True, kw_only=True, tag="VaultFilled.1"):
    """DepositToReserveVault: into the holder's vault, out of the free balance of `sender`, who may be another."""

    sender: str
    amount: int


class VaultEmptied(TreasuryFact, frozen=True, kw_only=True, tag="VaultEmptied.1"):
    """WithdrawFromReserveVault: from the vault to the free balance. The wait before a withdrawal begins anew."""

    amount: int


class VaultUsed(TreasuryFact, frozen=True, kw_only=True, tag="VaultUsed.1"):
    """A forced close took from the vault what the allocation towards PartyA lacked. The contract tells it by nothing
    but a change of the allocation; the amount is what of that change the close does not explain."""

    party_a: str
    amount: int

    @property
    def fact_id(self) -> str:
        return f"{self.source.fact_id}:vault:{self.holder}"


# --- the protocol itself


class ProtocolFact(ChainFact, frozen=True, kw_only=True):
    """A fact that concerns everybody."""


class ProtocolChanged(ProtocolFact, frozen=True, kw_only=True, tag="ProtocolChanged.1"):
    """Any configuration, pause, symbol or access event: what was read from the contract must be read again."""

    name: str
    arguments: dict[str, str]
