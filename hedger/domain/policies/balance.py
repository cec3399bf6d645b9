"""Where the money of a pair should be: raised before liquidation comes near, lent to another pair, given back.

The bounds of health lie apart, so that what was raised is not lowered again by the next move of the price. Each rule
asks for one transaction at the most; memory tells whether to look, and the chain's own view what to ask for.
"""

import msgspec

from hedger.domain.account import Account
from hedger.domain.events import Event
from hedger.domain.policies.account_requests import account_asks
from hedger.domain.policies.health import (
    PairHealth,
    excess,
    is_urgent,
    is_well,
    missing,
    room_below_share,
    spare,
)
from hedger.domain.policies.inputs import AccountInputs
from hedger.domain.policies.policy import Policy
from hedger.domain.terms import CallKind
from hedger.domain.transactions import Call


def needs_view(inputs: AccountInputs, policy: Policy) -> bool:
    """True where memory says that something may have to be done, so that the chain's view is worth asking for."""
    pair = inputs.pair
    if pair is None:
        return False
    keeps_vault = pair.party_a == policy.party_b and policy.balance.reserve_vault > 0
    return keeps_vault or inputs.needy is not None or not is_well(pair, policy.balance)


def raised(account: Account, inputs: AccountInputs, policy: Policy) -> list[Event]:
    """An allocation from the free balance, where the pair's health is below its lower bound."""
    pair = seen(inputs)
    if pair is None:
        return []
    lacking = missing(pair, policy.balance)
    free = free_balance(inputs)
    if not lacking or _another_gives(pair, lacking, free, inputs, policy):
        return []
    amount = min(lacking, free, _room(pair, inputs, policy))
    if amount <= 0:
        return []
    call = Call(kind=CallKind.ALLOCATE, allocate=amount)
    return account_asks(account, inputs, policy, call, rule="allocate: health is below its bound")


def transferred(account: Account, inputs: AccountInputs, policy: Policy) -> list[Event]:
    """A transfer to the pair in need, where this one would give back anyway, or the free balance is too small."""
    pair, needy = seen(inputs), inputs.needy
    if pair is None or needy is None or _are_old(inputs, policy):
        return []
    lacking = missing(needy, policy.balance)
    if excess(pair, policy.balance) < lacking <= free_balance(inputs):
        return []
    amount = min(lacking, spare(pair, policy.balance), _room(needy, inputs, policy))
    if amount < max(1, min(lacking, policy.balance.min_move)):
        return []
    call = Call(kind=CallKind.TRANSFER, amount=amount, recipient=needy.party_a)
    return account_asks(account, inputs, policy, call, rule="transfer: another pair is below its bound")


def lowered(account: Account, inputs: AccountInputs, policy: Policy) -> list[Event]:
    """What is beyond the upper bound, or left of a pair without positions, back to the free balance."""
    pair = seen(inputs)
    if pair is None or _are_old(inputs, policy) or _must_wait(account, pair, inputs, policy):
        return []
    amount = excess(pair, policy.balance)
    if amount < max(1, policy.balance.min_move):
        return []
    call = Call(kind=CallKind.DEALLOCATE, amount=amount)
    rule = "deallocate: nothing is open" if pair.is_idle else "deallocate: health is above its bound"
    return account_asks(account, inputs, policy, call, rule=rule)


def seen(inputs: AccountInputs) -> PairHealth | None:
    """The pair with the balances that the contract itself tells; None where it was not asked."""
    pair, view = inputs.pair, inputs.account
    if pair is None or view is None:
        return None
    return msgspec.structs.replace(
        pair, allocated=view.party_b_allocated, locked=view.party_b_locked, pending=view.party_b_pending
    )


def free_balance(inputs: AccountInputs) -> int:
    """What may still be allocated: the free balance without what is promised already."""
    return inputs.account.party_b_free - inputs.promised_allocation if inputs.account is not None else 0


def _another_gives(pair: PairHealth, lacking: int, free: int, inputs: AccountInputs, policy: Policy) -> bool:
    """True where another pair's transfer does it all, and either is to give back anyway or must, for lack of funds.

    In need nobody waits for another.
    """
    donor = inputs.donor
    if donor is None or (is_urgent(pair, policy.balance) and free > 0):
        return False
    if spare(donor, policy.balance) < lacking:
        return False
    return excess(donor, policy.balance) >= lacking or free < lacking


def _room(pair: PairHealth, inputs: AccountInputs, policy: Policy) -> int:
    free = inputs.account.party_b_free if inputs.account is not None else 0
    share = policy.balance.max_account_share
    total, vault = inputs.total_allocated, inputs.reserve_vault
    return room_below_share(pair.allocated, pair.arriving, free, total, vault, share)


def _are_old(inputs: AccountInputs, policy: Policy) -> bool:
    """Nothing is taken away by prices that may no longer hold."""
    return inputs.price_age_ms > policy.max_price_age_ms


def _must_wait(account: Account, pair: PairHealth, inputs: AccountInputs, policy: Policy) -> bool:
    """Traders come back, prices too: money that was just moved stays; and each deallocation delays withdrawals."""
    since = account.changed_at if pair.is_idle else account.moved_at
    if inputs.is_withdrawing or inputs.block_timestamp - since < policy.balance.lower_after_s:
        return True
    return inputs.block_timestamp - inputs.deallocated_at < policy.balance.deallocate_interval_s
