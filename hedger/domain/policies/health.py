"""The health of a pair's allocation: how far PartyB is from being liquidated towards one PartyA.

Health is what is left above liquidation over the notional of the pair's positions. Everything here is arithmetic over
wads: what a pair lacks, what it can spare, and which of two pairs could help each other.
"""

from collections.abc import Iterable

import msgspec

from hedger.domain.margins import Locked, available_for_liquidation, available_for_quote_b
from hedger.domain.money import WAD, mul
from hedger.domain.policies.policy import BalancePolicy


class PairHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One (PartyB, PartyA) pair's allocation and what stands on it, wads.

    `notional` is that of the positions at the marks, `pledged` that of quotes taken and not opened yet. `arriving` was
    asked for and is not seen on chain, `claimed` is what calls under way take of the allocation beyond what they bring.
    Without `is_marked` the profit is not known, and nothing is concluded from it.
    """

    party_a: str
    allocated: int
    locked: Locked = Locked()
    pending: Locked = Locked()
    upnl: int = 0  # PartyB's unrealised profit
    notional: int = 0
    pledged: int = 0
    arriving: int = 0
    claimed: int = 0
    is_marked: bool = True
    is_free: bool = True  # neither in liquidation nor waiting for a transaction: it may give
    in_liquidation: bool = False  # PartyA, or PartyB towards it: no money helps any more

    @property
    def left(self) -> int:
        """What is left above liquidation; signed."""
        return available_for_liquidation(self.allocated, self.locked, self.upnl)

    @property
    def quotable(self) -> int:
        """What no position, lock or call under way needs; signed. The contract gives no more than this back."""
        return available_for_quote_b(self.allocated, self.locked, self.pending, self.upnl) - self.claimed

    @property
    def is_idle(self) -> bool:
        return not (self.notional or self.pledged or self.claimed or self.pending.total_b)


def missing(pair: PairHealth, policy: BalancePolicy) -> int:
    """What raises the pair to its target, where it is below its lower bound; else 0."""
    coming = pair.left + pair.arriving
    if (
        pair.in_liquidation
        or not pair.is_marked
        or not pair.notional
        or coming >= mul(pair.notional, policy.health_low)
    ):
        return 0
    return max(0, mul(pair.notional, policy.health_target) - coming)


def is_urgent(pair: PairHealth, policy: BalancePolicy) -> bool:
    """True where half of what the lower bound leaves is gone."""
    return bool(pair.notional) and 2 * (pair.left + pair.arriving) < mul(pair.notional, policy.health_low)


def spare(pair: PairHealth, policy: BalancePolicy) -> int:
    """What can be taken away without going below the target; of an idle pair all but what it is to keep."""
    if not pair.is_marked:
        return 0
    if pair.is_idle:
        return max(0, min(pair.quotable, pair.allocated - policy.idle_allocation))
    return max(0, _sure(pair) - mul(pair.notional + pair.pledged, policy.health_target))


def excess(pair: PairHealth, policy: BalancePolicy) -> int:
    """What is to be taken away: of an idle pair what it can spare, of others where they are above the upper bound."""
    if not pair.is_idle and _sure(pair) <= mul(pair.notional + pair.pledged, policy.health_high):
        return 0
    return spare(pair, policy)


def _sure(pair: PairHealth) -> int:
    """What is free even if the profit of today is gone tomorrow; signed. It is what the contract would let go, too."""
    unearned = msgspec.structs.replace(pair, upnl=min(pair.upnl, 0))
    return min(unearned.left, unearned.quotable)


def is_well(pair: PairHealth, policy: BalancePolicy) -> bool:
    """True where nothing is to be done for the pair, with a quarter of the lower bound to spare."""
    low = mul(pair.notional, policy.health_low)
    return pair.left >= low + low // 4 and excess(pair, policy) < policy.min_move


def match(pairs: Iterable[PairHealth], policy: BalancePolicy) -> tuple[PairHealth, PairHealth] | None:
    """The pair that needs help most, and the one that could give most to it; None where there are no two such."""
    known = list(pairs)
    needy = [pair for pair in known if missing(pair, policy)]
    if not needy:
        return None
    neediest = min(needy, key=lambda pair: (pair.left * WAD // pair.notional, pair.party_a))
    donors = [pair for pair in known if pair is not neediest and pair.is_free and spare(pair, policy)]
    if not donors:
        return None
    return neediest, max(donors, key=lambda pair: (spare(pair, policy), pair.party_a))


def room_below_share(allocated: int, coming: int, free: int, total_allocated: int, vault: int, share: int) -> int:
    """How much more may be allocated towards one PartyA before its share of the collateral is used up.

    The collateral is what PartyB has on the contract: free balance, every allocation, reserve vault. `coming` was asked
    for and is still part of the free balance, or of another allocation.
    """
    total = free + max(total_allocated, allocated) + vault
    return max(0, mul(total, share) - allocated - coming)
