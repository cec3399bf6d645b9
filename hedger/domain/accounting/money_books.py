"""The books of what is no position: a pair's allocation, and PartyB's own balances."""

import msgspec

from hedger.domain.accounting import moves
from hedger.domain.accounting.lines import Line, LineKind
from hedger.domain.accounting.moves import Entry
from hedger.domain.money import WAD
from hedger.domain.terms import BalanceChange

_REALISED = frozenset({BalanceChange.REALIZED_PNL_IN, BalanceChange.REALIZED_PNL_OUT})
_TRANSFERS = frozenset({BalanceChange.ALLOCATE, BalanceChange.DEALLOCATE})
_KINDS = {
    BalanceChange.PLATFORM_FEE_IN: LineKind.OTHER,
    BalanceChange.PLATFORM_FEE_OUT: LineKind.OTHER,
    BalanceChange.FUNDING_FEE_IN: LineKind.FUNDING_CHAIN,
    BalanceChange.FUNDING_FEE_OUT: LineKind.FUNDING_CHAIN,
}


class AllocationBook(msgspec.Struct, kw_only=True):
    """What of a pair's allocation no position explains.

    Realised profit belongs to the positions that were closed, whose own books have it, and what a forced close took
    from the vault is the hedger's either way. During a liquidation of either side nothing can be closed or settled:
    then every change is the liquidation's. `carried` is what the allocation held by facts that do not count.
    """

    carried: int = 0
    is_told: bool = False  # the opening state tells what was carried
    is_party_a_liquidated: bool = False
    is_party_b_liquidated: bool = False
    last: list[Entry] = []  # realised changes of the newest transaction

    def apply(self, entry: Entry) -> list[Line]:
        match entry.move:
            case moves.AllocationMoved() as moved:
                return self._move(moved, entry)
            case moves.AllocationHeld(amount=amount):
                self.carried, self.is_told = amount, True
                return []
            case moves.LiquidationMoved() as liquidation:
                return self._liquidation(liquidation, entry)
            case _:
                return []

    def _move(self, moved: moves.AllocationMoved, entry: Entry) -> list[Line]:
        kind = BalanceChange(moved.kind)
        if not entry.counts:
            self.carried += 0 if self.is_told else moved.amount
            return []
        if kind in _TRANSFERS:
            return []
        if kind not in _REALISED:
            return _lines(_KINDS.get(kind, LineKind.LIQUIDATION), moved.amount, entry, kind.name.lower())
        if self.is_party_a_liquidated or self.is_party_b_liquidated:
            return _lines(LineKind.LIQUIDATION, moved.amount, entry, kind.name.lower())
        self.last = [*(each for each in self.last if _transaction(each) == moved.transaction_hash), entry]
        return []

    def _liquidation(self, liquidation: moves.LiquidationMoved, entry: Entry) -> list[Line]:
        if not liquidation.of_party_b:
            self.is_party_a_liquidated = liquidation.began
            return []
        self.is_party_b_liquidated = liquidation.began
        if not liquidation.began or not entry.counts:
            return []
        # A forced close that liquidates tells the loss of the allocation before it tells the liquidation.
        return [
            line
            for lost in self.last
            if isinstance(lost.move, moves.AllocationMoved)
            and lost.move.transaction_hash == liquidation.transaction_hash
            and lost.move.amount < 0
            for line in _lines(LineKind.LIQUIDATION, lost.move.amount, entry, "realized_pnl_out", lost.position)
        ]


class FlowBook(msgspec.Struct, kw_only=True):
    """Deposits and withdrawals."""

    def apply(self, entry: Entry) -> list[Line]:
        if not isinstance(entry.move, moves.FlowMoved) or not entry.counts:
            return []
        return _lines(LineKind.FLOW, entry.move.amount, entry, entry.move.note)


def _lines(kind: LineKind, amount: int, entry: Entry, note: str, *sources: int) -> list[Line]:
    if not amount:
        return []
    return [Line(kind=kind, amount=amount * WAD, sources=(entry.position, *sources), note=note)]


def _transaction(entry: Entry) -> str:
    return entry.move.transaction_hash if isinstance(entry.move, moves.AllocationMoved) else ""
