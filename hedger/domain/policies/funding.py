"""The policy of funding: charge what the venue took at an epoch's boundary, soon after it, once.

It looks at levels: which positions were open at the boundary, and for which epoch each was charged last. So a call that
failed, a restart or a lost answer leads to the same charge again, as long as the contract's window is open.
"""

from fractions import Fraction

from hedger.domain.account import Account
from hedger.domain.events import Event
from hedger.domain.funding import (
    SymbolFunding,
    amount_moved,
    boundary_before,
    contract_rate,
    epoch_of,
    is_window_open,
    taken_by_venue,
)
from hedger.domain.margins import available_for_liquidation
from hedger.domain.money import WAD, mul
from hedger.domain.policies.account_requests import account_asks
from hedger.domain.policies.inputs import AccountInputs, PositionView
from hedger.domain.policies.policy import Policy
from hedger.domain.reverts import RevertAction
from hedger.domain.terms import CallKind, TradingState
from hedger.domain.transactions import Call, RequestState, TransactionRequest

_PARTY_A_CANNOT_PAY = "PartyA will be insolvent"
_PAUSES = frozenset({"global", "party_b_actions"})
# One of the quotes is to blame: fewer at once, down to that one alone, which is then left out.
_OF_ONE_QUOTE = (RevertAction.GIVE_UP, RevertAction.RECOMPUTE, RevertAction.STATE_MOVED)
_LONGEST_LEAD_S = 15


def charged(account: Account, inputs: AccountInputs, policy: Policy) -> list[Event]:
    """One call for all positions of the pair that are due, as many as a call may hold."""
    if not policy.funding.enabled or _PAUSES & set(inputs.paused):
        return []
    fundings = {funding.symbol_id: funding for funding in inputs.funding}
    due: list[tuple[PositionView, int]] = []
    for position in inputs.positions:
        funding = fundings.get(position.symbol_id)
        if funding is not None and is_due(position, funding, inputs.block_timestamp):
            rate = _rate(position, funding, inputs.block_timestamp, policy)
            if rate and not _is_left_out(account, position, funding, inputs.block_timestamp):
                due.append((position, rate))
    if not due:
        return []
    batch = due[: _batch_size(account, inputs, policy)]
    call = Call(
        kind=CallKind.CHARGE_FUNDING,
        allocate=_lacking(account, inputs, policy, batch),
        quote_ids=tuple(position.quote_id for position, _ in batch),
        rates=tuple(rate for _, rate in batch),
    )
    ends = min(_window_end(fundings[position.symbol_id], inputs.block_timestamp) for position, _ in batch)
    return account_asks(account, inputs, policy, call, rule="charge funding: an epoch has ended", valid_until=ends)


def is_due(position: PositionView, funding: SymbolFunding, now: int) -> bool:
    """True for a position that was open at the boundary just passed and was not charged for that epoch yet."""
    if position.is_busy or funding.trading_state is TradingState.HALTED:
        return False
    if not is_window_open(now, funding.epoch_s, funding.window_s) or now >= _window_end(funding, now):
        return False
    boundary = boundary_before(now, funding.epoch_s)
    # A position opened later may be charged too, says the contract; but for it the venue took nothing.
    was_open = 0 < position.opened_at <= boundary
    return was_open and epoch_of(position.funded_at, funding.epoch_s, funding.window_s) < boundary


def _rate(position: PositionView, funding: SymbolFunding, now: int, policy: Policy) -> int:
    """What to charge; 0 where nothing is to be charged, or what to charge is not known (yet)."""
    taken = _taken(funding, now, policy)
    symbol = policy.of(funding.name)
    if taken is None or symbol is None or not position.max_funding_rate:
        return 0
    return contract_rate(
        position.position_type,
        taken,
        user_to_hedger=_or(symbol.funding_user_to_hedger, policy.funding.user_to_hedger),
        hedger_to_user=_or(symbol.funding_hedger_to_user, policy.funding.hedger_to_user),
        highest=position.max_funding_rate,
    )


def _taken(funding: SymbolFunding, now: int, policy: Policy) -> Fraction | None:
    """What the venue applied; where it does not tell within a while, what it said before."""
    boundary = boundary_before(now, funding.epoch_s)
    patience = min(policy.funding.settled_within_s, funding.window_s // 3)
    return taken_by_venue(funding, boundary, guess=now - boundary >= patience)


def _or(own: int | None, general: int) -> int:
    return general if own is None else own


def _window_end(funding: SymbolFunding, now: int) -> int:
    """When a charge for the boundary just passed becomes pointless: some seconds before the window ends, so that what
    is sent by then is mined within it. Later it would fail, or be taken for the next epoch."""
    lead = min(_LONGEST_LEAD_S, funding.window_s // 10)
    return boundary_before(now, funding.epoch_s) + funding.window_s - lead


def _failed(account: Account, since: int) -> list[TransactionRequest]:
    return [
        request
        for request in account.requests.values()
        if request.call.kind is CallKind.CHARGE_FUNDING
        and request.state is RequestState.FAILED
        and request.failed_at >= since
    ]


def _is_left_out(account: Account, position: PositionView, funding: SymbolFunding, now: int) -> bool:
    """True where the contract refused this position's charge for this epoch for good."""
    for request in _failed(account, boundary_before(now, funding.epoch_s)):
        if position.quote_id not in request.call.quote_ids:
            continue
        is_alone = len(request.call.quote_ids) == 1 and request.action in _OF_ONE_QUOTE
        if is_alone or _PARTY_A_CANNOT_PAY in request.reason:
            return True
    return False


def _batch_size(account: Account, inputs: AccountInputs, policy: Policy) -> int:
    """Half as many for each failure that one of the quotes may be to blame for."""
    longest = max((funding.window_s for funding in inputs.funding), default=0)
    blamed = [
        request
        for request in account.failures_of(CallKind.CHARGE_FUNDING, since=inputs.block_timestamp - longest)
        if request.action in _OF_ONE_QUOTE and _PARTY_A_CANNOT_PAY not in request.reason
    ]
    return max(1, policy.funding.max_quotes >> len(blamed))


def _lacking(account: Account, inputs: AccountInputs, policy: Policy, batch: list[tuple[PositionView, int]]) -> int:
    """What must be allocated with the call, so that PartyB is solvent after it by its lower bound of health.

    Where the contract said that it would not be, at least what is paid: the oracle's prices are not quite the venue's.
    """
    view = inputs.account
    if view is None or any(not position.mark for position in inputs.positions):
        return 0
    exposure = sum(position.open_quantity * position.mark // WAD for position in inputs.positions)
    received = sum(amount_moved(position.opened_price, rate, position.open_quantity) for position, rate in batch)
    left = available_for_liquidation(view.party_b_allocated, view.party_b_locked, -inputs.upnl) + received
    failures = account.failures_of(CallKind.CHARGE_FUNDING)
    was_short = bool(failures) and failures[-1].action is RevertAction.ADD_FUNDS
    if left >= mul(exposure, policy.balance.health_low) and not was_short:
        return 0
    missing = mul(exposure, policy.balance.health_target) - left
    if was_short:
        missing = max(missing, -received)
    return max(0, min(missing, view.party_b_free - inputs.promised_allocation))
