"""What is allocated towards each PartyA, and what accounts asked to move, kept from the accounts as they are saved.

It answers in memory what a decision needs to know of all other accounts.
"""

from collections import Counter
from dataclasses import dataclass

from hedger.domain.account import Account
from hedger.domain.terms import CallKind
from hedger.domain.transactions import Call, RequestState

_NOTHING = Call(kind=CallKind.ALLOCATE)
_LEAVING = frozenset({CallKind.DEALLOCATE, CallKind.TRANSFER})
_REFUSED_FOR_S = 60


@dataclass(frozen=True, slots=True)
class _Holding:
    """One account's allocation and the call it has under way; amounts wads."""

    allocated: int
    call: Call
    is_asking: bool  # a call is under way
    in_liquidation: bool
    refused_at: int  # block time when its newest transfer failed, 0: none since one succeeded


_NONE = _Holding(allocated=0, call=_NOTHING, is_asking=False, in_liquidation=False, refused_at=0)


class Allocations:
    """Sums over the accounts of one PartyB."""

    def __init__(self) -> None:
        self._holdings: dict[str, _Holding] = {}
        self._versions: dict[str, int] = {}
        self._transferred: Counter[str] = Counter()  # by PartyA: under way to it from other accounts
        self.total = 0  # allocated towards all PartyAs
        self.promised = 0  # asked for from the free balance and not seen on chain
        self.deallocated_at = 0  # block time of the newest deallocation of any account
        self.reserve_vault = 0  # as read last

    def note(self, account: Account) -> None:
        """Take the account's newest state into the sums; costs nothing where it did not change."""
        if self._versions.get(account.party_a) == account.version:
            return
        before, after = self._of(account.party_a), _holding_of(account)
        self._holdings[account.party_a], self._versions[account.party_a] = after, account.version
        self._transferred[before.call.recipient] -= before.call.amount
        self._transferred[after.call.recipient] += after.call.amount
        self.total += after.allocated - before.allocated
        self.promised += after.call.allocate - before.call.allocate
        self.deallocated_at = max(self.deallocated_at, _deallocated_at(account))

    @property
    def party_as(self) -> list[str]:
        """Every PartyA whose account is known."""
        return sorted(self._holdings)

    def allocated(self, party_a: str) -> int:
        return self._of(party_a).allocated

    def is_free(self, party_a: str, now: int) -> bool:
        """True where the account has nothing under way, nobody is in liquidation, and no transfer failed just now."""
        holding = self._of(party_a)
        return not (holding.is_asking or holding.in_liquidation) and now - holding.refused_at >= _REFUSED_FOR_S

    def in_liquidation(self, party_a: str) -> bool:
        """True while PartyA is in liquidation, or PartyB towards it."""
        return self._of(party_a).in_liquidation

    def arriving(self, party_a: str) -> int:
        """What was asked for towards this PartyA, from the free balance or another account."""
        return self._of(party_a).call.allocate + self._transferred[party_a]

    def leaving(self, party_a: str) -> int:
        """What was asked to be taken away from this PartyA's allocation."""
        call = self._of(party_a).call
        return call.amount if call.kind in _LEAVING else 0

    def _of(self, party_a: str) -> _Holding:
        return self._holdings.get(party_a, _NONE)


def _holding_of(account: Account) -> _Holding:
    request = account.in_flight
    refused = account.failures_of(CallKind.TRANSFER)
    return _Holding(
        allocated=account.allocated,
        call=request.call if request is not None else _NOTHING,
        is_asking=request is not None,
        in_liquidation=account.is_party_a_liquidated or account.is_party_b_liquidated,
        refused_at=refused[-1].failed_at if refused else 0,
    )


def _deallocated_at(account: Account) -> int:
    asked = (
        request.requested_at
        for request in account.requests.values()
        if request.call.kind is CallKind.DEALLOCATE and request.state is not RequestState.FAILED
    )
    return max(asked, default=0)
