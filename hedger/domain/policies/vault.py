"""The contract's reserve vault: a forced close takes from it what the allocation lacks, so that it does not liquidate.

PartyB has one vault for all PartyAs; what fills it is asked for by PartyB's account with itself.
"""

from hedger.domain.account import Account
from hedger.domain.events import Event
from hedger.domain.policies.account_requests import account_asks
from hedger.domain.policies.balance import free_balance
from hedger.domain.policies.inputs import AccountInputs
from hedger.domain.policies.policy import Policy
from hedger.domain.terms import CallKind
from hedger.domain.transactions import Call


def kept(account: Account, inputs: AccountInputs, policy: Policy) -> list[Event]:
    """The configured amount in the vault; nothing where none is configured."""
    wanted, least = policy.balance.reserve_vault, max(1, policy.balance.min_move)
    if account.party_a != account.party_b or not wanted or inputs.account is None:
        return []
    lacking = wanted - inputs.reserve_vault
    amount = min(lacking, free_balance(inputs))
    if amount >= least:
        call = Call(kind=CallKind.FILL_VAULT, amount=amount)
        return account_asks(account, inputs, policy, call, rule="fill the reserve vault")
    if -lacking >= least and not inputs.is_withdrawing:
        call = Call(kind=CallKind.EMPTY_VAULT, amount=-lacking)
        return account_asks(account, inputs, policy, call, rule="take back from the reserve vault")
    return []
