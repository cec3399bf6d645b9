"""From the values of one decoded log to facts of the domain: one function an event (or a family of like events).

Each takes where the fact was told and the event's values in declared order, and gives the facts: none, one, or one a
quote where the log lists several. A value out of its range raises Malformed naming the parameter.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from hedger.adapters.chain.abi_codec import Malformed, term
from hedger.domain import chain_facts as told
from hedger.domain.events import ChainFact, ChainSource
from hedger.domain.terms import BalanceChange, OrderType, PositionType, QuoteStatus

Values = tuple[Any, ...]
Make = Callable[[ChainSource, Values], Sequence[ChainFact]]


def _paired(quote_ids: Sequence[int], others: Sequence[Any], field: str) -> list[tuple[int, Any]]:
    if len(quote_ids) != len(others):
        raise Malformed(f"{len(others)} entries for {len(quote_ids)} quotes", field)
    return list(zip(quote_ids, others, strict=True))


# --- opening


def quote_sent(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    (party_a, quote_id, whitelist, symbol_id, position_type, order_type, price, market_price, quantity) = values[:9]
    (cva, lf, party_a_mm, party_b_mm, trading_fee, deadline) = values[9:]
    sent = told.QuoteSent(
        source=source,
        quote_id=quote_id,
        party_a=party_a,
        party_bs_whitelist=whitelist,
        symbol_id=symbol_id,
        position_type=term(PositionType, position_type, "positionType"),
        order_type=term(OrderType, order_type, "orderType"),
        price=price,
        market_price=market_price,
        quantity=quantity,
        cva=cva,
        lf=lf,
        party_a_mm=party_a_mm,
        party_b_mm=party_b_mm,
        trading_fee=trading_fee,
        deadline=deadline,
    )
    return (sent,)


def quote_locked(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    return (told.QuoteLocked(source=source, quote_id=values[1], party_b=values[0]),)


def quote_unlocked(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    term(QuoteStatus, values[2], "quoteStatus")
    return (told.QuoteUnlocked(source=source, quote_id=values[1], party_b=values[0]),)


def position_opened(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    quote_id, party_a, party_b, quantity, price = values
    opened = told.PositionOpened(
        source=source, quote_id=quote_id, party_a=party_a, party_b=party_b, quantity=quantity, price=price
    )
    return (opened,)


def cancel_requested(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    party_a, party_b, status, quote_id = values
    status = term(QuoteStatus, status, "quoteStatus")
    return (told.CancelRequested(source=source, quote_id=quote_id, party_a=party_a, party_b=party_b, status=status),)


def cancel_accepted(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    term(QuoteStatus, values[1], "quoteStatus")
    return (told.CancelAccepted(source=source, quote_id=values[0]),)


def cancel_forced(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    term(QuoteStatus, values[1], "quoteStatus")
    return (told.CancelForced(source=source, quote_id=values[0]),)


def open_expired(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    term(QuoteStatus, values[0], "quoteStatus")
    return (told.OpenExpired(source=source, quote_id=values[1]),)


# --- closing: the forms before 0.8.3 lack the close id, told as 0


def close_requested(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    party_a, party_b, quote_id, price, quantity, order_type, deadline, status, *close_id = values
    term(QuoteStatus, status, "quoteStatus")
    requested = told.CloseRequested(
        source=source,
        quote_id=quote_id,
        party_a=party_a,
        party_b=party_b,
        price=price,
        quantity=quantity,
        order_type=term(OrderType, order_type, "orderType"),
        deadline=deadline,
        close_id=_or_zero(close_id),
    )
    return (requested,)


def closed_by(
    kind: type[told.CloseFilled] | type[told.ForceClosed], source: ChainSource, values: Values
) -> Sequence[ChainFact]:
    quote_id, party_a, party_b, quantity, price, status, *close_id = values
    closed = kind(
        source=source,
        quote_id=quote_id,
        party_a=party_a,
        party_b=party_b,
        quantity=quantity,
        price=price,
        status=term(QuoteStatus, status, "quoteStatus"),
        close_id=_or_zero(close_id),
    )
    return (closed,)


def emergency_closed(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    quote_id, party_a, party_b, quantity, price, status, *close_id = values
    term(QuoteStatus, status, "quoteStatus")
    closed = told.EmergencyClosed(
        source=source,
        quote_id=quote_id,
        party_a=party_a,
        party_b=party_b,
        quantity=quantity,
        price=price,
        close_id=_or_zero(close_id),
    )
    return (closed,)


def close_cancel_requested(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    party_a, party_b, quote_id, status, *close_id = values
    term(QuoteStatus, status, "quoteStatus")
    requested = told.CloseCancelRequested(
        source=source, quote_id=quote_id, party_a=party_a, party_b=party_b, close_id=_or_zero(close_id)
    )
    return (requested,)


def close_cancelled_by(
    kind: type[told.CloseCancelAccepted] | type[told.CloseCancelForced], source: ChainSource, values: Values
) -> Sequence[ChainFact]:
    quote_id, status, *close_id = values
    term(QuoteStatus, status, "quoteStatus")
    return (kind(source=source, quote_id=quote_id, close_id=_or_zero(close_id)),)


def close_expired(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    status, quote_id, *close_id = values
    term(QuoteStatus, status, "quoteStatus")
    return (told.CloseExpired(source=source, quote_id=quote_id, close_id=_or_zero(close_id)),)


def expired_before_083(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    """One event for both sides: the status after it tells which request expired."""
    status = term(QuoteStatus, values[0], "quoteStatus")
    return open_expired(source, values) if status is QuoteStatus.EXPIRED else close_expired(source, values)


# --- what changes a quote from outside it


def funding_charged(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    party_b, party_a, quote_ids, rates = values
    return [
        told.FundingCharged(source=source, quote_id=quote_id, party_a=party_a, party_b=party_b, rate=rate)
        for quote_id, rate in _paired(quote_ids, rates, "rates")
    ]


def price_settled(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    """Lists of different length come from a settlement that settled nothing (its caller's arbitrary data)."""
    entries, prices, party_a, *_ = values
    if len(entries) != len(prices):
        return ()
    # A quote listed twice ends at the last price.
    last = {entry[0]: price for entry, price in zip(entries, prices, strict=True)}
    return [
        told.PriceSettled(source=source, quote_id=each, party_a=party_a, price=price) for each, price in last.items()
    ]


def pending_liquidated(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    _, party_a, quote_ids, *_ = values
    return [told.PendingLiquidated(source=source, quote_id=quote_id, party_a=party_a) for quote_id in quote_ids]


def positions_liquidated_of_a(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    _, party_a, quote_ids, *more = values
    return _positions_liquidated(source, party_a, quote_ids, more)


def positions_liquidated_of_b(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    _, _, party_a, quote_ids, *more = values
    return _positions_liquidated(source, party_a, quote_ids, more)


def _positions_liquidated(
    source: ChainSource, party_a: str, quote_ids: Sequence[int], more: Sequence[Any]
) -> Sequence[ChainFact]:
    """Before 0.8.3 the amounts are not told: 0 stands for what was open."""
    amounts = more[0] if more else (0,) * len(quote_ids)
    return [
        told.PositionLiquidated(source=source, quote_id=quote_id, party_a=party_a, quantity=amount)
        for quote_id, amount in _paired(quote_ids, amounts, "liquidatedAmounts")
    ]


# --- accounts


def allocation_changed(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    party_b, party_a, amount, kind = values
    kind = term(BalanceChange, kind, "_type")
    return (told.AllocationChanged(source=source, party_b=party_b, party_a=party_a, amount=amount, kind=kind),)


def allocated_before_083(kind: BalanceChange, source: ChainSource, values: Values) -> Sequence[ChainFact]:
    free = free_allocated if kind is BalanceChange.ALLOCATE else free_deallocated
    return (*allocation_changed(source, (*values, kind)), *free(source, values))


def liquidation_of_b_started(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    _, party_b, party_a, _, upnl = values
    return (told.PartyBLiquidationStarted(source=source, party_b=party_b, party_a=party_a, upnl=upnl),)


def liquidation_of_b_ended(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    return (told.PartyBLiquidationEnded(source=source, party_b=values[0], party_a=values[1]),)


def liquidation_of_a_started(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    _, party_a, _, upnl, *_ = values
    return (told.PartyALiquidationStarted(source=source, party_a=party_a, upnl=upnl),)


def liquidation_of_a_ended(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    return (told.PartyALiquidationEnded(source=source, party_a=values[0]),)


def suspension_changed(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    return (told.SuspensionChanged(source=source, party_a=values[0], suspended=values[1]),)


# --- balances on the contract


def deposited(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    sender, user, amount = values
    return (told.Deposited(source=source, holder=user, sender=sender, token_amount=amount),)


def withdrawn(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    sender, user, amount = values
    return (told.Withdrawn(source=source, holder=sender, receiver=user, token_amount=amount),)


def sent_to_bridge(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    user, amount, bridge, _ = values
    return (told.Withdrawn(source=source, holder=user, receiver=bridge, token_amount=amount),)


def free_allocated(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    return (told.FreeAllocated(source=source, holder=values[0], party_a=values[1], amount=values[2]),)


def free_deallocated(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    return (told.FreeDeallocated(source=source, holder=values[0], party_a=values[1], amount=values[2]),)


def free_given(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    sender, user, _, amount = values
    return (told.FreeGiven(source=source, holder=sender, receiver=user, amount=amount),)


def vault_filled(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    sender, party_b, amount = values
    filled = told.VaultFilled(source=source, holder=party_b, sender=sender, amount=amount)
    if sender == party_b:
        return (filled,)
    return (filled, told.FreeGiven(source=source, holder=sender, receiver=party_b, amount=amount))


def vault_emptied(source: ChainSource, values: Values) -> Sequence[ChainFact]:
    return (told.VaultEmptied(source=source, holder=values[0], amount=values[1]),)


def _or_zero(close_id: Sequence[int]) -> int:
    return close_id[0] if close_id else 0


MAKERS: dict[tuple[str, int], Make] = {
    ("SendQuote", 15): quote_sent,
    ("LockQuote", 2): quote_locked,
    ("UnlockQuote", 3): quote_unlocked,
    ("OpenPosition", 5): position_opened,
    ("RequestToCancelQuote", 4): cancel_requested,
    ("AcceptCancelRequest", 2): cancel_accepted,
    ("ForceCancelQuote", 2): cancel_forced,
    ("ExpireQuoteOpen", 2): open_expired,
    ("ExpireQuoteClose", 3): close_expired,
    ("RequestToClosePosition", 9): close_requested,
    ("RequestToCancelCloseRequest", 5): close_cancel_requested,
    ("AcceptCancelCloseRequest", 3): partial(close_cancelled_by, told.CloseCancelAccepted),
    ("ForceCancelCloseRequest", 3): partial(close_cancelled_by, told.CloseCancelForced),
    ("FillCloseRequest", 7): partial(closed_by, told.CloseFilled),
    ("ForceClosePosition", 7): partial(closed_by, told.ForceClosed),
    ("EmergencyClosePosition", 7): emergency_closed,
    ("ChargeFundingRate", 4): funding_charged,
    ("SettleUpnl", 5): price_settled,
    ("LiquidatePartyB", 5): liquidation_of_b_started,
    ("LiquidatePositionsPartyB", 6): positions_liquidated_of_b,
    ("FullyLiquidatedPartyB", 2): liquidation_of_b_ended,
    ("LiquidatePartyA", 6): liquidation_of_a_started,
    ("DeferredLiquidatePartyA", 9): liquidation_of_a_started,
    ("LiquidatePendingPositionsPartyA", 5): pending_liquidated,
    ("LiquidatePositionsPartyA", 6): positions_liquidated_of_a,
    ("FullyLiquidatedPartyA", 2): liquidation_of_a_ended,
    ("BalanceChangePartyB", 4): allocation_changed,
    ("SetSuspendedAddress", 2): suspension_changed,
    ("Deposit", 3): deposited,
    ("Withdraw", 3): withdrawn,
    ("TransferToBridge", 4): sent_to_bridge,
    ("AllocateForPartyB", 4): free_allocated,
    ("DeallocateForPartyB", 4): free_deallocated,
    ("InternalTransfer", 4): free_given,
    ("DepositToReserveVault", 3): vault_filled,
    ("WithdrawFromReserveVault", 2): vault_emptied,
}
"""By name and number of parameters, which tells the overloads apart."""

MAKERS_BEFORE_083: dict[tuple[str, int], Make] = {
    ("ExpireQuote", 2): expired_before_083,
    ("RequestToClosePosition", 8): close_requested,
    ("RequestToCancelCloseRequest", 4): close_cancel_requested,
    ("AcceptCancelCloseRequest", 2): partial(close_cancelled_by, told.CloseCancelAccepted),
    ("ForceCancelCloseRequest", 2): partial(close_cancelled_by, told.CloseCancelForced),
    ("FillCloseRequest", 6): partial(closed_by, told.CloseFilled),
    ("ForceClosePosition", 6): partial(closed_by, told.ForceClosed),
    ("EmergencyClosePosition", 6): emergency_closed,
    ("LiquidatePositionsPartyB", 4): positions_liquidated_of_b,
    ("LiquidatePartyA", 5): liquidation_of_a_started,
    ("LiquidatePositionsPartyA", 3): positions_liquidated_of_a,
    ("FullyLiquidatedPartyA", 1): liquidation_of_a_ended,
    ("AllocateForPartyB", 3): partial(allocated_before_083, BalanceChange.ALLOCATE),
    ("DeallocateForPartyB", 3): partial(allocated_before_083, BalanceChange.DEALLOCATE),
}
"""The older forms, which newer contracts emit right after the new ones, as twins of the same fact."""
