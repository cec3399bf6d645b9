"""How a decision about an account becomes a request: its id, and the reason in front of it."""

from hedger.domain.account import Account, AccountDecided
from hedger.domain.events import Event
from hedger.domain.policies.inputs import AccountInputs
from hedger.domain.policies.policy import Policy
from hedger.domain.request_ids import account_request_id
from hedger.domain.reverts import RevertAction
from hedger.domain.terms import CallKind
from hedger.domain.transactions import Call, TransactionRequested


def account_asks(
    account: Account, inputs: AccountInputs, policy: Policy, call: Call, *, rule: str, valid_until: int = 0
) -> list[Event]:
    """One transaction of the account, with the rule that asked for it and what it saw; nothing while it must wait."""
    if not account_may_ask(account, call.kind, inputs, policy):
        return []
    request = TransactionRequested(
        request_id=account_request_id(policy.tag, account.party_a, call.kind, account.asked(call.kind) + 1),
        party_a=account.party_a,
        symbol_id=0,
        call=call,
        valid_until=valid_until,
        requested_at=inputs.block_timestamp,
    )
    return [AccountDecided(policy=policy.version, rule=rule, inputs=inputs), request]


def account_may_ask(account: Account, kind: CallKind, inputs: AccountInputs, policy: Policy) -> bool:
    """False while the last failures of this kind of call still ask to wait."""
    failures = account.failures_of(kind)
    if not failures:
        return True
    last = failures[-1]
    if last.action is RevertAction.NEW_SIGNATURE and len(failures) <= policy.retry.new_signatures:
        return True
    waited = inputs.block_timestamp - last.failed_at
    if last.action in (RevertAction.HALT, RevertAction.GIVE_UP):
        return waited >= policy.retry.longest_wait_s
    return waited >= policy.retry.wait_s(len(failures))
