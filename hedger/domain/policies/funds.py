"""Is there enough on chain, and at the exchange? Proposes a transfer once, and takes it back when it is not needed.

Nothing is moved by itself: withdrawals at the exchange and on chain need another key, and a person.
"""

from collections.abc import Sequence

from hedger.domain.events import Event
from hedger.domain.funds import Funds, FundsTransferProposed, FundsTransferWithdrawn, FundsView, Place
from hedger.domain.money import WAD, to_text
from hedger.domain.policies.health import PairHealth, missing, room_below_share
from hedger.domain.policies.policy import BalancePolicy, Policy


def decide_funds(funds: Funds, view: FundsView, policy: Policy) -> list[Event]:
    """What to propose, or to withdraw, of the two directions."""
    return [*_towards(Place.CHAIN, funds, view, policy), *_towards(Place.VENUE, funds, view, policy)]


def lacking_on_chain(pairs: Sequence[PairHealth], free: int, total_allocated: int, vault: int, policy: Policy) -> int:
    """What must come to the contract so that every pair below its bound can be raised to its target.

    That is what they need beyond the free balance, and what makes the share of a single one large enough.
    """
    balance = policy.balance
    needed = [(pair, missing(pair, balance)) for pair in pairs]
    beyond_free = max(0, sum(amount for _, amount in needed) - max(0, free))
    beyond_share = max(
        (amount - room_below_share(pair.allocated, 0, free, total_allocated, vault, balance.max_account_share))
        for pair, amount in [*needed, (PairHealth(party_a="", allocated=0), 0)]
    )
    return max(beyond_free, beyond_share * WAD // balance.max_account_share)


def _towards(place: Place, funds: Funds, view: FundsView, policy: Policy) -> list[Event]:
    standing = funds.proposed.get(place.value)
    needed, reasons = _needed(place, view, policy.balance)
    if standing is None:
        return [_proposal(place, needed, reasons, view, policy)] if reasons else []
    if _is_enough(place, view, policy.balance):
        reason = "enough is there"
        return [FundsTransferWithdrawn(policy=policy.version, destination=place, reason=reason, inputs=view)]
    if reasons and 2 * needed > 3 * standing.amount:
        return [_proposal(place, needed, (*reasons, "more than was proposed before"), view, policy)]
    return []


def _needed(place: Place, view: FundsView, policy: BalancePolicy) -> tuple[int, tuple[str, ...]]:
    """How much should come, and why; without a reason nothing."""
    held, low, target, name = _bounds(place, view, policy)
    reasons = []
    if held < low:
        reasons.append(f"{name} is {to_text(held)}, below {to_text(low)}")
    if place is Place.CHAIN and view.lacking:
        reasons.append(f"allocations lack {to_text(view.lacking)}")
    lacking = view.lacking if place is Place.CHAIN else 0
    return max(0, target - held) + lacking, tuple(reasons)


def _is_enough(place: Place, view: FundsView, policy: BalancePolicy) -> bool:
    """Half way between the bounds: a little that comes back does not make the proposal come and go."""
    held, low, target, _ = _bounds(place, view, policy)
    return 2 * held >= low + target and not (place is Place.CHAIN and view.lacking)


def _bounds(place: Place, view: FundsView, policy: BalancePolicy) -> tuple[int, int, int, str]:
    if place is Place.CHAIN:
        return view.free - view.promised, policy.free_low, policy.free_target, "free collateral"
    return view.margin, policy.margin_low, policy.margin_target, "free margin at the exchange"


def _proposal(
    place: Place, amount: int, reasons: tuple[str, ...], view: FundsView, policy: Policy
) -> FundsTransferProposed:
    """From the other place, if it keeps its own target; else from outside."""
    other = Place.VENUE if place is Place.CHAIN else Place.CHAIN
    held, _, target, _ = _bounds(other, view, policy.balance)
    return FundsTransferProposed(
        policy=policy.version,
        source=other if held - target >= amount else Place.OUTSIDE,
        destination=place,
        amount=amount,
        reasons=reasons,
        inputs=view,
    )
