"""The policy of an account: from what a (PartyB, PartyA) pair is and what is known, the next transaction.

As with quotes it looks at levels: asked again it asks for the same, and once asked it waits for the outcome.
"""

from collections.abc import Callable

from hedger.domain.account import Account
from hedger.domain.events import Event
from hedger.domain.policies import balance, funding, settling, vault
from hedger.domain.policies.inputs import AccountInputs
from hedger.domain.policies.policy import Policy
from hedger.domain.terms import TradingState

AccountRule = Callable[[Account, AccountInputs, Policy], list[Event]]

# In the order of what cannot wait: keeping the pair from liquidation, then what is due at a time, then tidying up.
_RULES: tuple[AccountRule, ...] = (
    balance.raised,
    balance.transferred,
    settling.settled,
    funding.charged,
    balance.lowered,
    vault.kept,
)
_PAUSES = frozenset({"global", "party_b_actions"})


def decide_account(account: Account, inputs: AccountInputs, policy: Policy) -> list[Event]:
    """The reason and the request of the next step; empty where nothing is to be done now."""
    if inputs.trading_state is TradingState.HALTED or account.in_flight is not None:
        return []
    if _PAUSES & set(inputs.paused):
        return []
    if is_account_ahead(account, inputs) or account.is_party_a_liquidated or account.is_party_b_liquidated:
        return []
    for rule in _RULES:
        if events := rule(account, inputs, policy):
            return events
    return []


def needs_view(inputs: AccountInputs, policy: Policy) -> bool:
    """True where one of the rules may have something to ask for, by what memory knows."""
    is_due = bool(inputs.funding) or settling.has_losing_close(inputs)
    return is_due or balance.needs_view(inputs, policy)


def is_account_ahead(account: Account, inputs: AccountInputs) -> bool:
    """True while a mined transaction's block is not read yet: its effect is not in this state."""
    newest = account.newest_success()
    return newest is not None and newest.block_number > inputs.block_number
