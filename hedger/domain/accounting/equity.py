"""The proof of profit and loss: what the equity changed by, measured, against what the lines add up to.

Equity is free balance, vault, allocations and the worth of open positions on chain, and wallet and positions at the
venue. Both sides are valued at the same marks, so that a hedged quantity is worth the same whatever the mark. All
amounts of this module have 36 decimals, unless a field says wad.
"""

from collections.abc import Mapping

import msgspec

from hedger.domain.accounting.lines import LineKind
from hedger.domain.money import WAD
from hedger.domain.terms import PositionType
from hedger.domain.venue_cash import VenuePosition

VENUE_UNIT = 10**10 * WAD
"""The eighth decimal: the last that a venue tells of money."""


_NO_PROFIT = frozenset({LineKind.FLOW, LineKind.GAS})


class OpenPosition(msgspec.Struct, frozen=True, kw_only=True):
    """A position on chain, wads."""

    symbol: str
    position_type: PositionType
    quantity: int
    opened_price: int

    def worth(self, mark: int) -> int:
        """To PartyB, at a mark."""
        gain = self.quantity * (mark - self.opened_price)
        return -gain if self.position_type is PositionType.LONG else gain


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What contract and venue say of themselves at one moment, wads. `marks` by symbol."""

    block_number: int
    free: int
    vault: int
    allocated: int
    open_positions: tuple[OpenPosition, ...]
    wallet: int
    venue_positions: tuple[VenuePosition, ...]
    marks: dict[str, int]

    @property
    def equity(self) -> int:
        money = (self.free + self.vault + self.allocated + self.wallet) * WAD
        on_chain = sum(each.worth(self.marks.get(each.symbol, 0)) for each in self.open_positions)
        at_venue = sum(each.unrealised * WAD + self._moved(each) for each in self.venue_positions)
        return money + on_chain + at_venue

    def _moved(self, position: VenuePosition) -> int:
        """From the mark at which the venue told its worth to the one that both sides are valued at."""
        return position.quantity * (self.marks.get(position.symbol, 0) - position.mark)


class SymbolTraded(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue's account did in a symbol: `traded` is what its trades cost, `realised` (wad) what came into the
    wallet in so many `movements`."""

    traded: int
    realised: int
    movements: int


class Booked(msgspec.Struct, frozen=True, kw_only=True):
    """What the books say: the opening equity, the sums of the lines, and what is held at a cost."""

    log_position: int
    opening: int
    by_kind: dict[LineKind, int]
    inventory: dict[str, tuple[int, int]]  # by symbol: quantity (wad), cost
    symbols: dict[str, SymbolTraded]


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """`change` = `flows` + the sum of `by_kind` + `unrealised` + `venue_rounding` + `unexplained`."""

    block_number: int
    log_position: int
    equity: int
    change: int
    flows: int
    by_kind: dict[LineKind, int]
    unrealised: int
    venue_rounding: int
    unexplained: int

    @property
    def profit(self) -> int:
        return self.change - self.flows


def prove(measured: Measured, booked: Booked) -> Proof:
    """Compare. What the venue's eighth decimal hides is told apart; whatever else is left is unexplained."""
    change = measured.equity - booked.opening
    by_kind = {kind: amount for kind, amount in booked.by_kind.items() if kind not in _NO_PROFIT}
    flows = booked.by_kind.get(LineKind.FLOW, 0)
    unrealised = sum(
        quantity * measured.marks.get(symbol, 0) - cost for symbol, (quantity, cost) in booked.inventory.items()
    )
    rounding = _venue_rounding(measured, booked.symbols)
    return Proof(
        block_number=measured.block_number,
        log_position=booked.log_position,
        equity=measured.equity,
        change=change,
        flows=flows,
        by_kind=by_kind,
        unrealised=unrealised,
        venue_rounding=rounding,
        unexplained=change - flows - sum(by_kind.values()) - unrealised - rounding,
    )


def _venue_rounding(measured: Measured, symbols: Mapping[str, SymbolTraded]) -> int:
    """The venue rounds each realised profit, and the worth of a position when it tells it.

    What its trades cost and its realised profits say what the open position must be worth; the venue may say otherwise
    by one unit of its last decimal for each time it rounded, and by no more: more is not rounding.
    """
    told = {each.symbol: each for each in measured.venue_positions}
    total = 0
    for symbol, traded in symbols.items():
        position = told.get(symbol)
        worth = position.quantity * position.mark - traded.traded if position is not None else -traded.traded
        left = (position.unrealised if position is not None else 0) * WAD + traded.realised * WAD - worth
        if abs(left) <= VENUE_UNIT * (traded.movements + 1):
            total += left
    return total
