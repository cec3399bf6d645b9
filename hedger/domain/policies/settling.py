"""When PartyA cannot pay a close although it has profit: that profit is made payable first.

A's loss is paid from its allocation alone. Its profit on other positions, with us or with other hedgers, is no part of
it until it is settled: the opened price moves towards the market, and the difference is paid at once.
"""

from hedger.domain.account import Account
from hedger.domain.events import Event
from hedger.domain.policies.account_requests import account_asks
from hedger.domain.policies.balance import free_balance
from hedger.domain.policies.inputs import AccountInputs, CloseView, PositionView
from hedger.domain.policies.policy import Policy
from hedger.domain.solvency import upnl_of_party_a
from hedger.domain.terms import CallKind, OrderType, PositionType
from hedger.domain.transactions import Call

_NEAR_PERCENT = 1  # a limit close further than this from the mark is not about to be filled
_ROOM_PERCENT = 2  # the price moves until the close is filled
_MOST_DOUBLINGS = 5


def settled(account: Account, inputs: AccountInputs, policy: Policy) -> list[Event]:
    """A settlement for what PartyA lacks, with what PartyB must allocate so that it can pay its own part."""
    view, lacking = inputs.account, lacking_of_party_a(inputs)
    if view is None or not policy.balance.settle_profit or not lacking or _must_wait(account, inputs, policy):
        return []
    own_part = min(lacking, sum(max(0, _upnl(position)) for position in inputs.positions))
    allocate = max(0, min(own_part - view.party_b_allocated, free_balance(inputs)))
    call = Call(kind=CallKind.SETTLE, amount=lacking, allocate=allocate)
    return account_asks(account, inputs, policy, call, rule="settle: PartyA's profit must pay its loss")


def has_losing_close(inputs: AccountInputs) -> bool:
    """True where a close is asked for that PartyA has to pay for: whether it can, only the chain tells."""
    return any(_loss(close, position) > 0 for close, position in _closing(inputs))


def lacking_of_party_a(inputs: AccountInputs) -> int:
    """What PartyA's allocation lacks for the dearest of the closes it asks for, with room for the price to move."""
    view = inputs.account
    if view is None:
        return 0
    most = 0
    for close, position in _closing(inputs):
        loss = _loss(close, position)
        room = max(0, loss) * _ROOM_PERCENT // 100
        lacking = loss - view.party_a_allocated
        if lacking > 0 or (close.is_unpaid and loss > 0):
            most = max(most, max(0, lacking) + room)
    return most


def _closing(inputs: AccountInputs) -> list[tuple[CloseView, PositionView]]:
    """The closes that may be filled now, each with its position."""
    positions = {position.quote_id: position for position in inputs.positions}
    pairs = [(close, positions[close.quote_id]) for close in inputs.closes if close.quote_id in positions]
    return [(close, position) for close, position in pairs if position.mark and _is_near(close, position)]


def _is_near(close: CloseView, position: PositionView) -> bool:
    """A market close may wait for its price for long, a limit close for longer: the mark must be about there."""
    long = position.position_type is PositionType.LONG
    gap = close.price - position.mark if long else position.mark - close.price
    return 100 * gap <= _NEAR_PERCENT * position.mark


def _loss(close: CloseView, position: PositionView) -> int:
    """What PartyA pays if the close is filled: a limit close at its price, a market close at the mark, if better."""
    price = close.price
    if close.order_type is OrderType.MARKET:
        long = position.position_type is PositionType.LONG
        price = max(price, position.mark) if long else min(price, position.mark)
    return -upnl_of_party_a(position.position_type, close.quantity, position.opened_price, price)


def _upnl(position: PositionView) -> int:
    return upnl_of_party_a(position.position_type, position.open_quantity, position.opened_price, position.mark)


def _must_wait(account: Account, inputs: AccountInputs, policy: Policy) -> bool:
    asked = [request for request in account.requests.values() if request.call.kind is CallKind.SETTLE]
    if not asked:
        return False
    doublings = min(len(account.failures_of(CallKind.SETTLE)), _MOST_DOUBLINGS)
    return inputs.block_timestamp - asked[-1].requested_at < policy.balance.settle_after_s << doublings
