"""The health of a pair's allocation: how far PartyB is from being liquidated towards one PartyA.

Health is what is left above liquidation over the notional of the pair's positions. Below the lower bound the
allocation is raised to the target, long before a liquidator could act.
"""

from hedger.domain.account import Account
from hedger.domain.events import Event
from hedger.domain.margins import available_for_liquidation
from hedger.domain.money import WAD, mul
from hedger.domain.policies.account_requests import account_asks
from hedger.domain.policies.inputs import AccountInputs
from hedger.domain.policies.policy import Policy
from hedger.domain.terms import CallKind
from hedger.domain.transactions import Call


def raised(account: Account, inputs: AccountInputs, policy: Policy) -> list[Event]:
    """An allocation from the free balance, where the pair's health is below its lower bound."""
    view = inputs.account
    exposure = _notional(inputs)
    if view is None or not exposure or any(not position.mark for position in inputs.positions):
        return []
    left = available_for_liquidation(view.party_b_allocated, view.party_b_locked, -inputs.upnl)
    if left >= mul(exposure, policy.balance.health_low):
        return []
    missing = mul(exposure, policy.balance.health_target) - left
    amount = min(missing, view.party_b_free - inputs.promised_allocation)
    if amount <= 0:
        return []
    call = Call(kind=CallKind.ALLOCATE, allocate=amount)
    return account_asks(account, inputs, policy, call, rule="allocate: health is below its bound")


def _notional(inputs: AccountInputs) -> int:
    """Notional of the pair's positions at the marks."""
    return sum(position.open_quantity * position.mark // WAD for position in inputs.positions)
