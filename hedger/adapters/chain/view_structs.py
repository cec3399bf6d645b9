"""What the contract's views tell: amounts, prices and ratios are wads, times seconds, addresses lower case."""

from typing import Any

import msgspec

from hedger.adapters.chain.abi_codec import term
from hedger.domain.feed import BlockRef, ProtocolRead
from hedger.domain.margins import Locked
from hedger.domain.policies.inputs import AccountView, SymbolTerms
from hedger.domain.terms import OrderType, PositionType, QuoteStatus


def locked_of(values: tuple[int, ...]) -> Locked:
    """From the contract's `LockedValues`."""
    cva, lf, party_a_mm, party_b_mm = values
    return Locked(cva=cva, lf=lf, party_a_mm=party_a_mm, party_b_mm=party_b_mm)


class BalanceRead(msgspec.Struct, frozen=True, kw_only=True):
    """One side's allocation and what is locked in it."""

    allocated: int
    locked: Locked
    pending: Locked

    @classmethod
    def from_abi(cls, values: tuple[int, ...]) -> "BalanceRead":
        """From the nine numbers of `balanceInfoOf…`."""
        return cls(allocated=values[0], locked=locked_of(values[1:5]), pending=locked_of(values[5:9]))


class AccountRead(msgspec.Struct, frozen=True, kw_only=True):
    """A (PartyB, PartyA) pair at one block, with the nonces its signatures carry."""

    block: BlockRef
    party_b: str
    party_a: str
    balance_a: BalanceRead
    balance_b: BalanceRead  # of PartyB towards this PartyA
    free_b: int
    nonce_a: int
    nonce_b: int
    liquidated_a: bool
    liquidated_b: bool
    suspended_a: bool
    suspended_b: bool
    pending_a: tuple[int, ...]  # quote ids of PartyA that are PENDING, LOCKED or CANCEL_PENDING
    pending_b: tuple[int, ...]  # of the pair: LOCKED or CANCEL_PENDING

    def as_input(self) -> AccountView:
        """What of it a decision looks at."""
        return AccountView(
            party_a_allocated=self.balance_a.allocated,
            party_a_locked=self.balance_a.locked,
            party_a_pending=self.balance_a.pending,
            party_a_liquidated=self.liquidated_a,
            party_a_suspended=self.suspended_a,
            party_b_free=self.free_b,
            party_b_allocated=self.balance_b.allocated,
            party_b_locked=self.balance_b.locked,
            party_b_pending=self.balance_b.pending,
            party_b_liquidated=self.liquidated_b,
        )


class QuoteView(msgspec.Struct, frozen=True):
    """A quote as the contract has it, in the order of its struct; of a terminal quote only the status is sure."""

    quote_id: int
    party_bs_whitelist: tuple[str, ...]
    symbol_id: int
    position_type: PositionType
    order_type: OrderType  # that of the last close request, once there was one; so is the deadline
    opened_price: int  # changed by funding and settlements
    initial_opened_price: int
    requested_open_price: int
    market_price: int
    quantity: int
    closed_amount: int
    initial_locked: Locked
    locked: Locked
    max_funding_rate: int
    party_a: str
    party_b: str
    status: QuoteStatus
    average_closed_price: int
    requested_close_price: int
    quantity_to_close: int
    parent_id: int
    created_at: int
    status_modified_at: int
    last_funding_at: int
    deadline: int
    trading_fee: int
    affiliate: str

    @property
    def open_quantity(self) -> int:
        return self.quantity - self.closed_amount

    @property
    def exists(self) -> bool:
        """The contract answers with zeros for an id it does not know."""
        return self.quote_id != 0

    @classmethod
    def from_abi(cls, quote: tuple[Any, ...]) -> "QuoteView":
        """From the contract's `Quote`. Raises Malformed for a number that an enumeration lacks."""
        fields = list(quote)
        fields[3] = term(PositionType, quote[3], "positionType")
        fields[4] = term(OrderType, quote[4], "orderType")
        fields[11], fields[12] = locked_of(quote[11]), locked_of(quote[12])
        fields[16] = term(QuoteStatus, quote[16], "quoteStatus")
        return cls(*fields)


class ContractSymbol(msgspec.Struct, frozen=True):
    """A symbol as the contract lists it, in the order of its struct."""

    symbol_id: int
    name: str
    is_valid: bool
    min_quote_value: int
    min_lf_portion: int
    trading_fee: int
    max_leverage: int
    funding_epoch_s: int
    funding_window_s: int

    def as_terms(self, force_close_gap: int = 0) -> SymbolTerms:
        """What of it a decision looks at; the gap is told by a view of its own."""
        return SymbolTerms(
            symbol_id=self.symbol_id,
            name=self.name,
            is_valid=self.is_valid,
            min_quote_value=self.min_quote_value,
            min_lf_portion=self.min_lf_portion,
            max_leverage=self.max_leverage,
            funding_epoch_s=self.funding_epoch_s,
            funding_window_s=self.funding_window_s,
            force_close_gap=force_close_gap,
        )


class ProtocolView(msgspec.Struct, frozen=True, kw_only=True):
    """The contract's parameters at one block: what is recorded of them, and what only runs the process."""

    read: ProtocolRead
    price_valid_s: int
    muon_app_id: int
    muon_key_x: int
    muon_key_parity: int
    muon_gateway: str
    collateral: str
    deallocate_cooldown_s: int
    settlement_cooldown_s: int
    liquidation_timeout_s: int
    force_close_price_penalty: int
    force_close_min_signature_s: int
    pending_quotes_limit: int


class PartyBStatus(msgspec.Struct, frozen=True, kw_only=True):
    """May this hedger trade, and may this key drive its proxy."""

    is_party_b: bool
    suspended: bool
    emergency: bool
    proxy_serves: str  # the diamond that the proxy calls; empty where PartyB is no proxy contract
    proxy_paused: bool
    operator_is_trusted: bool
    operator_is_manager: bool
    reserve_vault: int


PAUSES = (
    "global",
    "liquidation",
    "accounting",
    "party_b_actions",
    "party_a_actions",
    "internal_transfer",
    "emergency",
)
"""The flags of `pauseState()` in its order, by the names that `ProtocolRead.paused` uses."""

PARTY_B_EMERGENCY = "party_b_emergency"
"""Stands beside them while this PartyB alone is in emergency mode."""
