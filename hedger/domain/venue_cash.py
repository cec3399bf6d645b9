"""The wallet at the venue: every movement of it, told once, from a recorded opening balance on.

Facts are known by venue, the venue's word for the kind, and transaction id. Amounts are wads of `asset`, positive where
the wallet grew; times are the venue's clock in milliseconds.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from uuid import UUID

import msgspec

from hedger.domain.aggregate import Aggregate
from hedger.domain.events import Event, derived_id

# A movement may be told some time after others that came later; so far back it is asked for again.
OVERLAP_MS = 600_000


class IncomeKind(StrEnum):
    REALISED = "realised"  # profit or loss of a trade that reduced a position
    COMMISSION = "commission"
    FUNDING = "funding"
    TRANSFER = "transfer"  # between this wallet and another of the owner: no profit
    OTHER = "other"  # rebates, insurance, whatever the venue comes up with


class VenuePosition(msgspec.Struct, frozen=True, kw_only=True):
    """A position as the venue values it: signed quantity, the venue's mark, the profit not yet in the wallet."""

    symbol: str
    quantity: int
    mark: int
    unrealised: int


class VenueCashOpened(Event, frozen=True, kw_only=True, tag="VenueCashOpened.1"):
    """What the venue account held when counting began. `counted` are the ids of movements since `from_ms` that
    the wallet holds already."""

    venue: str
    asset: str
    wallet: int
    from_ms: int
    counted: tuple[str, ...]
    positions: tuple[VenuePosition, ...]


class FundingPaid(Event, frozen=True, kw_only=True, tag="FundingPaid.1"):
    """Funding of one symbol's net position: positive was received, negative paid."""

    venue: str
    symbol: str
    amount: int
    asset: str
    name: str
    tran_id: str
    at_ms: int

    @property
    def fact_id(self) -> str:
        return movement_id(self.venue, self.name, self.tran_id)


class VenueCashMoved(Event, frozen=True, kw_only=True, tag="VenueCashMoved.1"):
    """Any other movement of the wallet. `trade_id` names the trade of a realised profit or a commission."""

    venue: str
    kind: IncomeKind
    name: str
    symbol: str
    amount: int
    asset: str
    tran_id: str
    trade_id: str
    at_ms: int

    @property
    def fact_id(self) -> str:
        return movement_id(self.venue, self.name, self.tran_id)


Movement = FundingPaid | VenueCashMoved


def movement_id(venue: str, name: str, tran_id: str) -> str:
    return f"income:{venue}:{name}:{tran_id}"


class VenueCash(Aggregate, kw_only=True):
    """The wallet of one hedger at one venue. `recent` holds the ids of the stretch that is asked for again."""

    is_open: bool = False
    asset: str = ""
    wallet: int = 0
    last_at_ms: int = 0
    recent: dict[str, int] = {}

    @staticmethod
    def create_id(chain_id: int, diamond: str, party_b: str, venue: str) -> UUID:
        return derived_id("chains", chain_id, diamond, "venue-cash", party_b, venue)

    @property
    def asked_since_ms(self) -> int:
        """From when on movements may be told that are not recorded."""
        return max(0, self.last_at_ms - OVERLAP_MS)

    def news(self, movements: Iterable[Movement]) -> Sequence[Event]:
        """Those that are not recorded, in the order of time. Nothing before the account is open."""
        if not self.is_open:
            return []
        fresh = {
            movement.fact_id: movement
            for movement in movements
            if movement.fact_id not in self.recent and movement.at_ms >= self.asked_since_ms
        }
        return sorted(fresh.values(), key=lambda movement: movement.at_ms)

    def apply(self, event: Event) -> None:
        match event:
            case VenueCashOpened():
                self.is_open, self.asset, self.wallet = True, event.asset, event.wallet
                self.last_at_ms = event.from_ms + OVERLAP_MS
                self.recent = dict.fromkeys(event.counted, self.last_at_ms)
            case FundingPaid() | VenueCashMoved():
                if event.asset == self.asset:
                    self.wallet += event.amount
                self._remember(event)
            case _:
                pass

    def _remember(self, movement: Movement) -> None:
        self.recent[movement.fact_id] = movement.at_ms
        if movement.at_ms > self.last_at_ms:
            self.last_at_ms = movement.at_ms
            since = self.asked_since_ms
            self.recent = {each: at_ms for each, at_ms in self.recent.items() if at_ms >= since}
