"""What the model of the contract holds: quotes, counters, allocations; copied at each transaction, kept by block."""

from copy import copy
from dataclasses import dataclass, field

import msgspec

from hedger.domain.terms import OrderType, PositionType, QuoteStatus

NOBODY = "0x" + "00" * 20
US = "0x" + "bb" * 20
RIVAL = "0x" + "cc" * 20
DIAMOND = "0x" + "dd" * 20
CHAIN_ID = 31337
WAD = 10**18


class Revert(Exception):
    """The contract refuses; nothing of the transaction happened."""


class Locks(msgspec.Struct, frozen=True):
    """cva, lf and both maintenance margins, wads."""

    cva: int = 0
    lf: int = 0
    mm_a: int = 0
    mm_b: int = 0

    @property
    def total_a(self) -> int:
        return self.cva + self.lf + self.mm_a

    @property
    def total_b(self) -> int:
        return self.cva + self.lf + self.mm_b

    def times(self, numerator: int, denominator: int) -> "Locks":
        return Locks(*(each * numerator // denominator for each in msgspec.structs.astuple(self)))

    def minus(self, other: "Locks") -> "Locks":
        pairs = zip(msgspec.structs.astuple(self), msgspec.structs.astuple(other), strict=True)
        return Locks(*(mine - theirs for mine, theirs in pairs))


class ModelQuote(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the contract. `order_type` and `deadline` are overwritten by close requests."""

    id: int
    party_a: str
    whitelist: tuple[str, ...]
    symbol_id: int
    position: PositionType
    order_type: OrderType
    price: int
    market_price: int
    quantity: int
    locks: Locks
    deadline: int
    parent_id: int = 0
    status: QuoteStatus = QuoteStatus.PENDING
    since: int = 0
    party_b: str = NOBODY
    opened_price: int = 0
    closed: int = 0
    close_price: int = 0
    to_close: int = 0
    close_id: int = 0

    @property
    def open_quantity(self) -> int:
        return self.quantity - self.closed if self.status.is_position else 0

    def but(self, **changes: object) -> "ModelQuote":
        return msgspec.structs.replace(self, **changes)


@dataclass
class State:
    """The contract's storage after a block, and the operator's used nonces."""

    quotes: dict[int, ModelQuote] = field(default_factory=dict)
    nonces_a: dict[str, int] = field(default_factory=dict)
    nonces_b: dict[str, int] = field(default_factory=dict)
    allocated: dict[str, int] = field(default_factory=dict)
    liquidated: dict[str, bool] = field(default_factory=dict)
    liquidated_b: dict[str, bool] = field(default_factory=dict)  # we, towards a PartyA
    switched_on: set[str] = field(default_factory=set)  # pauses and emergencies, by the names of `ProtocolRead.paused`
    suspended: set[str] = field(default_factory=set)
    delisted: set[int] = field(default_factory=set)
    free: int = 10_000_000 * WAD
    last_close_id: int = 0
    key_nonce: int = 0

    def copied(self) -> "State":
        other = copy(self)
        other.quotes, other.nonces_a, other.nonces_b = dict(self.quotes), dict(self.nonces_a), dict(self.nonces_b)
        other.allocated, other.liquidated = dict(self.allocated), dict(self.liquidated)
        other.liquidated_b, other.switched_on = dict(self.liquidated_b), set(self.switched_on)
        other.suspended, other.delisted = set(self.suspended), set(self.delisted)
        return other

    def of_pair(self, party_a: str) -> list[ModelQuote]:
        return [each for each in self.quotes.values() if each.party_a == party_a and each.party_b == US]

    def upnl_a(self, party_a: str, marks: dict[int, int]) -> int:
        """PartyA's unrealised profit on its positions with us at these prices."""
        return sum(_upnl(each, marks[each.symbol_id]) for each in self.of_pair(party_a) if each.status.is_position)

    def locked(self, party_a: str) -> Locks:
        return _sum(each.locks for each in self.of_pair(party_a) if each.status.is_position)

    def pending(self, party_a: str) -> Locks:
        waiting = (QuoteStatus.LOCKED, QuoteStatus.CANCEL_PENDING)
        return _sum(each.locks for each in self.of_pair(party_a) if each.status in waiting)


def _sum(locks: "object") -> Locks:
    total = Locks()
    for each in locks:  # type: ignore[attr-defined]
        total = Locks(total.cva + each.cva, total.lf + each.lf, total.mm_a + each.mm_a, total.mm_b + each.mm_b)
    return total


def _upnl(quote: ModelQuote, mark: int) -> int:
    move = mark - quote.opened_price if quote.position is PositionType.LONG else quote.opened_price - mark
    value = abs(move) * quote.open_quantity // WAD
    return value if move >= 0 else -value
