"""What an event of a quote says, in one plain sentence with amounts as decimals."""

from collections.abc import Callable
from typing import Any

from hedger.domain import chain_facts as facts
from hedger.domain import funds, transactions
from hedger.domain.account import AccountDecided
from hedger.domain.error_codes import MEANINGS, ErrorCode
from hedger.domain.events import Event
from hedger.domain.feed import BlocksOrphaned
from hedger.domain.money import to_text
from hedger.domain.quote import events
from hedger.domain.terms import CallKind, OrderType
from hedger.domain.wallet import (
    NonceLost,
    TransactionBroadcast,
    TransactionMined,
    TransactionSigned,
    TransactionWithheld,
)
from hedger.projections.readable import short


def headline(event: Event) -> str:
    """One sentence; an event without words of its own is told by its name."""
    words = WORDS.get(type(event))
    return words(event) if words is not None else type(event).__name__


def meaning(code: int) -> str:
    """What an error code says, the number in front."""
    known = {int(each): text for each, text in MEANINGS.items() if each is not ErrorCode.NONE}
    return f"{code}: {known[code]}" if code in known else str(code)


def _sent(event: facts.QuoteSent) -> str:
    order, side = event.order_type.name.lower(), event.position_type.name.lower()
    whom = f", to {len(event.party_bs_whitelist)} hedgers only" if event.party_bs_whitelist else ""
    child = f", the rest of quote {event.parent_id}" if event.parent_id else ""
    what = f"{side} {to_text(event.quantity)} of symbol {event.symbol_id} at {to_text(event.price)} ({order})"
    return f"{short(event.party_a)} asks to open {what}{whom}{child}"


def _close_requested(event: facts.CloseRequested) -> str:
    order = event.order_type.name.lower()
    return f"{short(event.party_a)} asks to close {to_text(event.quantity)} at {to_text(event.price)} ({order})"


def _cancel_requested(event: facts.CancelRequested) -> str:
    return f"{short(event.party_a)} asks to cancel: {event.status.name.lower()}"


def _opened(event: facts.PositionOpened) -> str:
    return f"Opened on chain by {short(event.party_b)}: {to_text(event.quantity)} at {to_text(event.price)}"


def _close_filled(event: facts.CloseFilled) -> str:
    return f"Closed on chain: {to_text(event.quantity)} at {to_text(event.price)}, now {event.status.name.lower()}"


def _force_closed(event: facts.ForceClosed) -> str:
    return f"Force-closed: {to_text(event.quantity)} at {to_text(event.price)}, now {event.status.name.lower()}"


def _allocation_changed(event: facts.AllocationChanged) -> str:
    sign = "+" if event.kind.sign > 0 else "-"
    return f"Allocation {sign}{to_text(event.amount)} ({event.kind.name.lower().replace('_', ' ')})"


def _rejected(event: events.QuoteRejected) -> str:
    failed = [rule.rule for rule in event.rules if not rule.passed]
    return f"Rejected, {meaning(event.code)} Failed: {', '.join(failed)}"


def _order_requested(event: events.OrderRequested) -> str:
    price = "at market" if event.order_type is OrderType.MARKET else f"at {to_text(event.limit_price)}"
    reduce_only = ", reduce-only" if event.reduce_only else ""
    what = f"{event.side.value} {to_text(event.quantity)} {event.symbol} {price}{reduce_only}"
    return f"Order {event.client_order_id} asked for ({event.leg.name.lower()}): {what}"


def _filled(event: events.OrderFilled) -> str:
    fee = f"fee {to_text(event.fee)} {event.fee_asset}"
    return f"Order {event.client_order_id} filled {to_text(event.quantity)} at {to_text(event.price)}, {fee}"


def _ended(event: events.OrderEnded) -> str:
    return f"Order {event.client_order_id} ended: {event.status}, {to_text(event.executed_quantity)} executed"


def _requested(event: transactions.TransactionRequested) -> str:
    call = event.call
    amount = f" {to_text(call.quantity)} at {to_text(call.price)}" if call.quantity else ""
    moved = f" {to_text(call.amount)}" if call.amount else ""
    recipient = f" to {short(call.recipient)}" if call.recipient else ""
    if call.kind is CallKind.ALLOCATE:
        return f"Transaction {event.request_id} asked for: allocate {to_text(call.allocate)}"
    allocate = f", allocating {to_text(call.allocate)} first" if call.allocate else ""
    return f"Transaction {event.request_id} asked for: {_call(call.kind)}{amount}{moved}{recipient}{allocate}"


def _proposed(event: funds.FundsTransferProposed) -> str:
    places = f"from {event.source.value} to {event.destination.value}"
    return f"Proposed: move {to_text(event.amount)} {places}, since {'; '.join(event.reasons)}"


def _call(kind: CallKind) -> str:
    return kind.value.replace("_", " ")


def _succeeded(event: transactions.TransactionSucceeded) -> str:
    where = f"block {event.block_number} as {short(event.transaction_hash)}"
    return f"Transaction {event.request_id} succeeded in {where}, gas {event.gas_used}"


def _mined(event: TransactionMined) -> str:
    outcome = "mined" if event.succeeded else "mined and reverted"
    return f"Transaction {event.request_id} {outcome} in block {event.block_number}, gas {event.gas_used}"


WORDS: dict[type[Event], Callable[[Any], str]] = {
    facts.QuoteSent: _sent,
    facts.QuoteLocked: lambda e: f"Locked by {short(e.party_b)}",
    facts.QuoteUnlocked: lambda e: "Unlocked: open to every hedger again",
    facts.PositionOpened: _opened,
    facts.CancelRequested: _cancel_requested,
    facts.CancelAccepted: lambda e: "Cancelled on chain",
    facts.CancelForced: lambda e: "Cancelled by force",
    facts.OpenExpired: lambda e: "Expired before it was opened",
    facts.CloseRequested: _close_requested,
    facts.CloseFilled: _close_filled,
    facts.CloseCancelRequested: lambda e: f"{short(e.party_a)} asks to cancel the close",
    facts.CloseCancelAccepted: lambda e: "Close cancelled on chain",
    facts.CloseCancelForced: lambda e: "Close cancelled by force",
    facts.CloseExpired: lambda e: "Close request expired",
    facts.EmergencyClosed: lambda e: f"Closed in emergency: {to_text(e.quantity)} at {to_text(e.price)}",
    facts.ForceClosed: _force_closed,
    facts.FundingCharged: lambda e: f"Funding charged at rate {to_text(e.rate)}",
    facts.PriceSettled: lambda e: f"Profit and loss settled: the opened price is now {to_text(e.price)}",
    facts.PendingLiquidated: lambda e: "Ended by a liquidation before it was opened",
    facts.AllocationChanged: _allocation_changed,
    facts.PartyALiquidationStarted: lambda e: f"{short(e.party_a)} is being liquidated",
    facts.PartyALiquidationEnded: lambda e: f"The liquidation of {short(e.party_a)} has ended",
    facts.PartyBLiquidationStarted: lambda e: f"{short(e.party_b)} is being liquidated towards {short(e.party_a)}",
    facts.PartyBLiquidationEnded: lambda e: f"The liquidation towards {short(e.party_a)} has ended",
    facts.SuspensionChanged: lambda e: "Suspended" if e.suspended else "No longer suspended",
    facts.PositionLiquidated: lambda e: f"Liquidated: {to_text(e.quantity)} was open",
    BlocksOrphaned: lambda e: f"Chain reorganised: what {len(e.block_hashes)} blocks told no longer holds",
    events.QuoteAccepted: lambda e: f"Accepted: all {len(e.rules)} rules passed",
    events.QuoteRejected: _rejected,
    events.CloseRejected: lambda e: f"Close rejected, {meaning(e.code)} {e.reason}",
    events.Decided: lambda e: f"Decided: {e.rule}",
    AccountDecided: lambda e: f"Decided: {e.rule}",
    funds.FundsTransferProposed: _proposed,
    funds.FundsTransferWithdrawn: lambda e: f"No transfer to {e.destination.value} is needed any more: {e.reason}",
    events.GaveUp: lambda e: f"Given up, {meaning(e.code)} {e.reason}",
    events.OrderRequested: _order_requested,
    events.OrderCancelRequested: lambda e: f"Order {e.client_order_id} is to be cancelled: {e.reason}",
    events.OrderAccepted: lambda e: f"Order {e.client_order_id} accepted by the venue as {e.venue_order_id}",
    events.OrderRefused: lambda e: f"Order {e.client_order_id} refused by the venue: {e.code} {e.reason}",
    events.OrderOutcomeUnknown: lambda e: f"Order {e.client_order_id} may have been executed: {e.reason}",
    events.OrderFilled: _filled,
    events.OrderEnded: _ended,
    transactions.TransactionRequested: _requested,
    transactions.TransactionSucceeded: _succeeded,
    transactions.TransactionFailed: lambda e: (
        f"Transaction {e.request_id} failed ({e.stage}): {e.reason or 'no reason given'}"
    ),
    TransactionSigned: lambda e: f"Transaction {e.request_id} signed under nonce {e.nonce} ({e.purpose})",
    TransactionBroadcast: lambda e: f"Transaction {e.request_id} taken by {e.endpoint}",
    TransactionMined: _mined,
    NonceLost: lambda e: f"Transaction {e.request_id} lost its nonce {e.nonce} to somebody else",
    TransactionWithheld: lambda e: f"Transaction {e.request_id} withheld ({e.stage}): {e.reason}",
}
