"""The contract's rules for the calls of PartyB: written from the protocol's tables, not from the hedger's own folds.

Each call takes the state to change, the block's time and its arguments, and gives the logs, or raises Revert.
"""

from typing import Any

from hedger.domain.terms import BalanceChange, OrderType, PositionType, QuoteStatus
from tests.simulation.model_logs import ToldLog, told, twice
from tests.simulation.model_state import US, WAD, ModelQuote, Revert, State

MIN_VALUE = 5 * WAD
MAX_LEVERAGE = 60 * WAD
SIGNATURE_VALID_S = 120
TRADING_FEE = WAD // 1000
Logs = list[ToldLog]


def check_served(state: State) -> None:
    """Asked before every call of PartyB."""
    if "party_b_actions" in state.switched_on:
        raise Revert("Pausable: PartyB actions paused")


def allocate(state: State, now: int, amount: int, party_a: str) -> Logs:
    if state.liquidated_b.get(party_a):
        raise Revert("AccountFacet: PartyB isn't solvent")
    if amount > state.free:
        raise Revert("AccountFacet: Insufficient balance")
    state.free -= amount
    state.allocated[party_a] = state.allocated.get(party_a, 0) + amount
    return [
        *twice("AllocateForPartyB", US, party_a, amount, state.allocated[party_a]),
        told("BalanceChangePartyB", US, party_a, amount, int(BalanceChange.ALLOCATE)),
    ]


def deallocate(state: State, now: int, amount: int, party_a: str, signature: tuple[Any, ...]) -> Logs:
    _give_up(state, now, amount, party_a, signature)
    state.free += amount
    return [
        *twice("DeallocateForPartyB", US, party_a, amount, state.allocated[party_a]),
        told("BalanceChangePartyB", US, party_a, amount, int(BalanceChange.DEALLOCATE)),
    ]


def transfer(state: State, now: int, amount: int, origin: str, recipient: str, signature: tuple[Any, ...]) -> Logs:
    if state.liquidated.get(recipient) or state.liquidated_b.get(recipient):
        raise Revert("PartyBFacet: Recipient isn't solvent")
    _give_up(state, now, amount, origin, signature)
    state.allocated[recipient] = state.allocated.get(recipient, 0) + amount
    return [
        told("BalanceChangePartyB", US, origin, amount, int(BalanceChange.DEALLOCATE)),
        told("BalanceChangePartyB", US, recipient, amount, int(BalanceChange.ALLOCATE)),
    ]


def _give_up(state: State, now: int, amount: int, party_a: str, signature: tuple[Any, ...]) -> None:
    if state.liquidated.get(party_a) or state.liquidated_b.get(party_a):
        raise Revert("Accessibility: PartyA isn't solvent")
    upnl_b = _single(state, now, party_a, signature)
    if amount > state.allocated.get(party_a, 0):
        raise Revert("AccountFacet: Insufficient allocated balance")
    if _available_for_quote(state, party_a, upnl_b) < amount:
        raise Revert("AccountFacet: Will be liquidatable")
    state.allocated[party_a] -= amount


def lock(state: State, now: int, quote_id: int, signature: tuple[Any, ...]) -> Logs:
    quote = quote_of(state, quote_id)
    check_not_liquidated(state, quote)
    upnl_b = _single(state, now, quote.party_a, signature)
    free = _available_for_quote(state, quote.party_a, upnl_b)
    if free < 0:
        raise Revert("PartyBFacet: Available balance is lower than zero")
    if free < quote.locks.total_b:
        raise Revert("PartyBFacet: insufficient available balance")
    if state.liquidated_b.get(quote.party_a):
        raise Revert("PartyBFacet: PartyB isn't solvent")
    return take(state, now, quote, US)


def take(state: State, now: int, quote: ModelQuote, party_b: str) -> Logs:
    """Any PartyB locks."""
    if quote.status is not QuoteStatus.PENDING:
        raise Revert("PartyBFacet: Invalid state")
    if now > quote.deadline:
        raise Revert("PartyBFacet: Quote is expired")
    if quote.whitelist and party_b not in quote.whitelist:
        raise Revert("PartyBFacet: Sender isn't whitelisted")
    put(state, quote.but(status=QuoteStatus.LOCKED, since=now, party_b=party_b))
    return [told("LockQuote", party_b, quote.id)]


def unlock(state: State, now: int, quote_id: int, party_b: str = US) -> Logs:
    quote = quote_of(state, quote_id)
    check_not_liquidated(state, quote)
    check_owner(quote, party_b)
    if quote.status is not QuoteStatus.LOCKED:
        raise Revert("PartyBFacet: Invalid state")
    if now > quote.deadline:
        put(state, quote.but(status=QuoteStatus.EXPIRED, since=now))
        return [told("ExpireQuoteOpen", 9, quote_id)]
    put(state, quote.but(status=QuoteStatus.PENDING, since=now, party_b="0x" + "00" * 20))
    return [told("UnlockQuote", party_b, quote_id, 0)]


def accept_cancel(state: State, now: int, quote_id: int, party_b: str = US) -> Logs:
    quote = quote_of(state, quote_id)
    check_not_liquidated(state, quote)
    check_owner(quote, party_b)
    if quote.status is not QuoteStatus.CANCEL_PENDING:
        raise Revert("PartyBFacet: Invalid state")
    put(state, quote.but(status=QuoteStatus.CANCELED, since=now))
    return [told("AcceptCancelRequest", quote_id, 3)]


def open_position(
    state: State, now: int, quote_id: int, filled: int, price: int, signature: tuple[Any, ...] | None, party_b: str = US
) -> Logs:
    """Without a signature: another PartyB opens, whose money is not modelled."""
    quote = quote_of(state, quote_id)
    check_not_liquidated(state, quote)
    check_owner(quote, party_b)
    _check_may_open(state, quote, party_b)
    upnl_b, mark = _pair(state, now, quote.party_a, signature) if signature is not None else (0, price)
    if quote.symbol_id in state.delisted:
        raise Revert("PartyBFacet: Symbol is not valid")
    if quote.status not in (QuoteStatus.LOCKED, QuoteStatus.CANCEL_PENDING):
        raise Revert("PartyBFacet: Invalid state")
    if now > quote.deadline:
        raise Revert("PartyBFacet: Quote is expired")
    whole = filled == quote.quantity
    if not 0 < filled <= quote.quantity or (quote.order_type is OrderType.MARKET and not whole):
        raise Revert("PartyBFacet: Invalid filledAmount")
    if price > quote.price if quote.position is PositionType.LONG else price < quote.price:
        raise Revert("PartyBFacet: Opened price isn't valid")
    part = quote.locks.times(filled, quote.quantity)
    scaled = part.times(price, quote.price)
    rest_stays = not whole and quote.status is QuoteStatus.LOCKED
    if scaled.total_a < MIN_VALUE or (rest_stays and quote.locks.total_a - part.total_a < MIN_VALUE):
        raise Revert("PartyBFacet: Quote value is low")
    if filled * price // scaled.total_a > MAX_LEVERAGE:
        raise Revert("PartyBFacet: Leverage is high")
    opened = quote.but(status=QuoteStatus.OPENED, since=now, quantity=filled, opened_price=price, locks=scaled)
    logs = [told("OpenPosition", quote.id, quote.party_a, party_b, filled, price)]
    if not whole:
        logs += _split(state, now, quote, filled)
    put(state, opened)
    if signature is not None:
        _check_solvent_after_open(state, opened, upnl_b, mark)
    spend_nonces(state, quote.party_a, party_b)
    return logs


def fill_close(
    state: State, now: int, quote_id: int, filled: int, price: int, signature: tuple[Any, ...] | None, party_b: str = US
) -> Logs:
    quote = quote_of(state, quote_id)
    check_not_liquidated(state, quote)
    check_owner(quote, party_b)
    if signature is not None:
        upnl_b, mark = _pair(state, now, quote.party_a, signature)
        _check_solvent_after_close(state, quote, filled, price, upnl_b, mark)
    if quote.status not in (QuoteStatus.CLOSE_PENDING, QuoteStatus.CANCEL_CLOSE_PENDING):
        raise Revert("PartyBFacet: Invalid state")
    if now > quote.deadline:
        raise Revert("PartyBFacet: Quote is expired")
    if price < quote.close_price if quote.position is PositionType.LONG else price > quote.close_price:
        raise Revert("PartyBFacet: Closed price isn't valid")
    whole = filled == quote.to_close
    if not 0 < filled <= quote.to_close or (quote.order_type is OrderType.MARKET and not whole):
        raise Revert("PartyBFacet: Invalid filledAmount")
    logs, closed = close_part(state, now, quote, filled, price)
    spend_nonces(state, quote.party_a, party_b)
    status = int(closed.status)
    return logs + twice("FillCloseRequest", quote.id, quote.party_a, party_b, filled, price, status, quote.close_id)


def emergency_close(state: State, now: int, quote_id: int, signature: tuple[Any, ...]) -> Logs:
    quote = quote_of(state, quote_id)
    check_not_liquidated(state, quote)
    check_owner(quote, US)
    if not state.switched_on & {"emergency", "party_b_emergency"} and quote.symbol_id not in state.delisted:
        raise Revert("PartyBFacet: Operation not allowed. Either emergency mode must be active, party B must be in")
    if quote.status not in (QuoteStatus.OPENED, QuoteStatus.CLOSE_PENDING):
        raise Revert("PartyBFacet: Invalid state")
    upnl_b, mark = _pair(state, now, quote.party_a, signature)
    locked, filled = state.locked(quote.party_a), quote.open_quantity
    if state.allocated.get(quote.party_a, 0) - locked.cva - locked.lf + upnl_b < 0:
        raise Revert("PartyBFacet: PartyB should be solvent")
    logs, _ = close_part(state, now, quote.but(to_close=filled), filled, mark)
    spend_nonces(state, quote.party_a, US)
    return logs + twice("EmergencyClosePosition", quote.id, quote.party_a, US, filled, mark, 7, quote.close_id)


def accept_cancel_close(state: State, now: int, quote_id: int, party_b: str = US) -> Logs:
    quote = quote_of(state, quote_id)
    check_not_liquidated(state, quote)
    check_owner(quote, party_b)
    if quote.status is not QuoteStatus.CANCEL_CLOSE_PENDING:
        raise Revert("PartyBFacet: Invalid state")
    put(state, quote.but(status=QuoteStatus.OPENED, since=now, close_price=0, to_close=0))
    return twice("AcceptCancelCloseRequest", quote_id, 4, quote.close_id)


def expire(state: State, now: int, quote_ids: tuple[int, ...]) -> Logs:
    return [log for quote_id in quote_ids for log in _expire(state, now, quote_of(state, quote_id))]


# --- shared with the traders' calls


def quote_of(state: State, quote_id: int) -> ModelQuote:
    quote = state.quotes.get(quote_id)
    if quote is None:
        raise Revert("PartyBFacet: Invalid quoteId")
    return quote


def put(state: State, quote: ModelQuote) -> None:
    state.quotes[quote.id] = quote


def check_owner(quote: ModelQuote, party_b: str) -> None:
    if quote.party_b != party_b:
        raise Revert("Accessibility: Should be partyB of quote")


def check_not_liquidated(state: State, quote: ModelQuote) -> None:
    if state.liquidated.get(quote.party_a):
        raise Revert("Accessibility: PartyA isn't solvent")
    if quote.party_b == US and state.liquidated_b.get(quote.party_a):
        raise Revert("Accessibility: PartyB isn't solvent")
    if quote.status in (QuoteStatus.LIQUIDATED, QuoteStatus.LIQUIDATED_PENDING, QuoteStatus.CLOSED):
        raise Revert("Accessibility: Invalid state")


def spend_nonces(state: State, party_a: str, party_b: str) -> None:
    state.nonces_a[party_a] = state.nonces_a.get(party_a, 0) + 1
    if party_b == US:
        state.nonces_b[party_a] = state.nonces_b.get(party_a, 0) + 1


def close_part(state: State, now: int, quote: ModelQuote, filled: int, price: int) -> tuple[Logs, ModelQuote]:
    """What every way of closing does; the status is that after it."""
    was_open = quote.open_quantity
    freed = quote.locks.times(filled, was_open)
    if not freed.lf or (quote.locks.cva and not freed.cva) or (quote.locks.mm_a and not freed.mm_a):
        raise Revert("LibQuote: Low filled amount")
    rest = quote.locks.minus(freed)
    if was_open == quote.to_close and rest.total_a and filled < was_open and rest.total_a < MIN_VALUE:
        raise Revert("LibQuote: Remaining quote value is low")
    logs = _settle(state, quote, filled, price)
    if filled == was_open:
        status = QuoteStatus.CLOSED
    elif filled == quote.to_close or quote.status is QuoteStatus.CANCEL_CLOSE_PENDING:
        status = QuoteStatus.OPENED
    else:
        status = quote.status
    done = status is not quote.status
    closed = quote.but(
        status=status,
        since=now if done else quote.since,
        closed=quote.closed + filled,
        locks=rest,
        to_close=0 if done else quote.to_close - filled,
        close_price=0 if done else quote.close_price,
    )
    put(state, closed)
    return logs, closed


def _settle(state: State, quote: ModelQuote, filled: int, price: int) -> Logs:
    move = price - quote.opened_price if quote.position is PositionType.LONG else quote.opened_price - price
    amount = abs(move) * filled // WAD
    if quote.party_b != US:
        return []
    held = state.allocated.get(quote.party_a, 0)
    if move >= 0 and amount > held:
        raise Revert("LibQuote: PartyA should first exit its positions that are incurring losses")
    state.allocated[quote.party_a] = held - amount if move >= 0 else held + amount
    kind = BalanceChange.REALIZED_PNL_OUT if move >= 0 else BalanceChange.REALIZED_PNL_IN
    return [told("BalanceChangePartyB", US, quote.party_a, amount, int(kind))]


def _split(state: State, now: int, quote: ModelQuote, filled: int) -> Logs:
    """The rest of a partial opening becomes a child: pending, or born cancelled."""
    rest = quote.locks.minus(quote.locks.times(filled, quote.quantity))
    child = quote.but(
        id=max(state.quotes) + 1,
        parent_id=quote.id,
        quantity=quote.quantity - filled,
        locks=rest,
        party_b="0x" + "00" * 20,
        since=now,
        status=QuoteStatus.PENDING if quote.status is QuoteStatus.LOCKED else QuoteStatus.CANCELED,
    )
    put(state, child)
    return [sent_log(child)] if child.status is QuoteStatus.PENDING else [told("AcceptCancelRequest", child.id, 3)]


def sent_log(quote: ModelQuote) -> ToldLog:
    locks = quote.locks
    amounts = (quote.price, quote.market_price, quote.quantity, locks.cva, locks.lf, locks.mm_a, locks.mm_b)
    kind = (quote.symbol_id, int(quote.position), int(quote.order_type))
    return told(
        "SendQuote", quote.party_a, quote.id, list(quote.whitelist), *kind, *amounts, TRADING_FEE, quote.deadline
    )


def _expire(state: State, now: int, quote: ModelQuote) -> Logs:
    if now <= quote.deadline:
        raise Revert("LibQuote: Quote isn't expired")
    if state.liquidated.get(quote.party_a):
        raise Revert("LibQuote: PartyA isn't solvent")
    if quote.party_b == US and state.liquidated_b.get(quote.party_a):
        raise Revert("LibQuote: PartyB isn't solvent")
    if quote.status in (QuoteStatus.PENDING, QuoteStatus.LOCKED, QuoteStatus.CANCEL_PENDING):
        put(state, quote.but(status=QuoteStatus.EXPIRED, since=now))
        return [told("ExpireQuoteOpen", 9, quote.id), told("ExpireQuote", 9, quote.id)]
    if quote.status in (QuoteStatus.CLOSE_PENDING, QuoteStatus.CANCEL_CLOSE_PENDING):
        put(state, quote.but(status=QuoteStatus.OPENED, since=now, close_price=0, to_close=0))
        return [told("ExpireQuoteClose", 4, quote.id, quote.close_id), told("ExpireQuote", 4, quote.id)]
    raise Revert("LibQuote: Invalid state")


def _check_may_open(state: State, quote: ModelQuote, party_b: str) -> None:
    if quote.party_a in state.suspended:
        raise Revert("PartyBFacet: PartyA is suspended")
    if party_b == US and "party_b_emergency" in state.switched_on:
        raise Revert("PartyBFacet: PartyB is in emergency mode")
    if "emergency" in state.switched_on:
        raise Revert("PartyBFacet: System is in emergency mode")


# --- signatures and solvency of PartyB; PartyA is always rich enough


def _single(state: State, now: int, party_a: str, signature: tuple[Any, ...]) -> int:
    request_id, timestamp, upnl = signature[:3]
    if now > timestamp + SIGNATURE_VALID_S:
        raise Revert("LibMuon: Expired signature")
    if request_id != f"b:{party_a}:{state.nonces_b.get(party_a, 0)}".encode():
        raise Revert("LibMuon: TSS not verified")
    return int(upnl)


def _pair(state: State, now: int, party_a: str, signature: tuple[Any, ...]) -> tuple[int, int]:
    request_id, timestamp, _, upnl_b, price = signature[:5]
    if now > timestamp + SIGNATURE_VALID_S:
        raise Revert("LibMuon: Expired signature")
    nonces = f"{state.nonces_a.get(party_a, 0)}:{state.nonces_b.get(party_a, 0)}"
    if request_id != f"ab:{party_a}:{nonces}".encode():
        raise Revert("LibMuon: TSS not verified")
    return int(upnl_b), int(price)


def _available_for_quote(state: State, party_a: str, upnl: int) -> int:
    held, locked, pending = state.allocated.get(party_a, 0), state.locked(party_a), state.pending(party_a)
    if upnl >= 0:
        return held + upnl - locked.total_b - pending.total_b
    return held - locked.cva - locked.lf - pending.total_b - max(-upnl, locked.mm_b)


def _check_solvent_after_open(state: State, quote: ModelQuote, upnl_b: int, mark: int) -> None:
    locked = state.locked(quote.party_a)
    left = state.allocated.get(quote.party_a, 0) - locked.cva - locked.lf + upnl_b
    moved = quote.quantity * abs(quote.opened_price - mark) // WAD
    long = quote.position is PositionType.LONG
    a_pays = quote.opened_price >= mark if long else quote.opened_price < mark
    if left + (moved if a_pays else -moved) < 0:
        raise Revert("LibSolvency: Available balance is lower than zero")


def _check_solvent_after_close(
    state: State, quote: ModelQuote, filled: int, price: int, upnl_b: int, mark: int
) -> None:
    if not quote.open_quantity:
        return
    locked = state.locked(quote.party_a)
    left = state.allocated.get(quote.party_a, 0) - locked.cva - locked.lf + upnl_b
    left += filled * (quote.locks.cva + quote.locks.lf) // quote.open_quantity
    moved = filled * abs(price - mark) // WAD
    b_pays = price >= mark if quote.position is PositionType.LONG else price <= mark
    if left + (-moved if b_pays else moved) < 0:
        raise Revert("LibSolvency: Available balance is lower than zero")
