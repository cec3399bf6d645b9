"""How much must be allocated towards PartyA first, so that the contract lets PartyB lock, open or fill.

Allocations are isolated per PartyA, and a quote locks little of PartyB's side, so a few per mille of the notional
between the price agreed and the oracle's are enough to make a call revert. What is allocated leaves head room beyond
the call itself, because the oracle's price of the next block is not known.
"""

from collections.abc import Sequence

from hedger.domain.margins import available_for_liquidation, available_for_quote_b
from hedger.domain.money import WAD, mul
from hedger.domain.policies.health import room_below_share
from hedger.domain.policies.inputs import AccountView, BookView, Inputs
from hedger.domain.policies.policy import Policy
from hedger.domain.quote.onchain import OnChain, notional
from hedger.domain.reverts import RevertAction
from hedger.domain.solvency import Headroom, after_close, after_open, upnl_of_party_a
from hedger.domain.terms import PositionType
from hedger.domain.transactions import TransactionRequest

_SHORT = frozenset({RevertAction.ADD_FUNDS, RevertAction.SOLVENCY})
_MOST_STEPS = 4
Failures = Sequence[TransactionRequest]
"""What the same call failed by before, oldest first."""


def for_lock(
    facet: OnChain, account: AccountView, book: BookView, policy: Policy, *, price: int, failures: Failures = ()
) -> int:
    """What is missing for locking, with head room; 0 where enough is allocated.

    `price` is the one it is expected to open at: a short opened better than asked locks more than it did before. What
    other locks under way for the same PartyA take is counted as taken.
    """
    free = available_for_quote_b(
        account.party_b_allocated, account.party_b_locked, account.party_b_pending, -book.account_upnl
    )
    locked = max(facet.locked.total_b, facet.locked.scaled(price, facet.requested_price).total_b)
    return _with_room(free - book.account_claims - locked, facet, policy, failures)


def for_open(facet: OnChain, quantity: int, price: int, inputs: Inputs, policy: Policy, failures: Failures = ()) -> int:
    """What is missing so that PartyB is solvent after opening `quantity` at `price`, with head room."""
    if inputs.account is None or inputs.book is None or inputs.market is None:
        return 0
    account = inputs.account
    part = facet.locked if quantity == facet.quantity else facet.locked.scaled(quantity, facet.quantity)
    locked = account.party_b_locked.plus(part.scaled(price, facet.requested_price))
    above = available_for_liquidation(account.party_b_allocated, locked, -inputs.book.account_upnl)
    after = after_open(Headroom(party_a=0, party_b=above), facet.position_type, quantity, price, inputs.market.mark)
    return _with_room(after.party_b, facet, policy, failures)


def for_fill(facet: OnChain, quantity: int, price: int, inputs: Inputs, policy: Policy, failures: Failures = ()) -> int:
    """What is missing so that PartyB is solvent after closing `quantity` at `price` and can pay PartyA's profit."""
    if inputs.account is None or inputs.book is None or inputs.market is None or not facet.open_quantity:
        return 0
    account, mark = inputs.account, inputs.market.mark
    own = upnl_of_party_a(facet.position_type, facet.open_quantity, facet.opened_price, mark)
    above = available_for_liquidation(
        account.party_b_allocated, account.party_b_locked, -inputs.book.account_upnl - own
    )
    freed = quantity * (facet.locked.cva + facet.locked.lf) // facet.open_quantity
    after = after_close(Headroom(party_a=0, party_b=above), facet.position_type, quantity, price, mark, freed)
    unpaid = account.party_b_allocated - _profit_of_party_a(facet, quantity, price)
    return _with_room(min(after.party_b, unpaid), facet, policy, failures)


def share_room(account: AccountView, book: BookView, policy: Policy) -> int:
    """How much more may be allocated towards this PartyA before its share of the collateral is used up.

    It bounds what is put at risk by a lock or an opening. A close pays what is owed already, whatever the share.
    """
    held, coming, free = account.party_b_allocated, book.account_promised, account.party_b_free
    share = policy.balance.max_account_share
    return room_below_share(held, coming, free, book.total_allocated, book.reserve_vault, share)


def _with_room(left: int, facet: OnChain, policy: Policy, failures: Failures) -> int:
    """Nothing while half the head room is left, else what fills it up again: not one small allocation a call.

    Where the contract has found a side short, by the oracle's numbers, which are not ours, the room grows with each
    failure, up to a bound.
    """
    room = mul(notional(facet), policy.allocation_headroom)
    short = min(sum(failure.action in _SHORT for failure in failures), _MOST_STEPS)
    if short:
        room *= 1 + short
        return max(0, room - left)
    return 0 if 2 * left >= room else room - left


def _profit_of_party_a(facet: OnChain, quantity: int, price: int) -> int:
    move = price - facet.opened_price if facet.position_type is PositionType.LONG else facet.opened_price - price
    return max(0, move) * quantity // WAD
