"""Chain, venue and log side by side: the open differences, what is foreign on the account, and repairs under way."""

from uuid import UUID

import msgspec

from hedger.domain.aggregate import Aggregate
from hedger.domain.events import Event, derived_id
from hedger.domain.foreign import ForeignPositionAccepted, ForeignTradeDisowned, ForeignTradeFound, TradesAgreed
from hedger.domain.mismatch import Cause, Explanation, Mismatch, MismatchFound, MismatchKind, MismatchResolved, key_of
from hedger.domain.repairs import Repair, RepairConfirmed, RepairFailed, RepairProposed, RepairRun

__all__ = [
    "Cause",
    "Explanation",
    "ForeignTrade",
    "Mismatch",
    "MismatchFound",
    "MismatchKind",
    "MismatchResolved",
    "Reconciliation",
]


# Comparisons begin somewhat before what is known to agree: foreign trades that they may meet again are kept in mind.
_KEPT_MS = 600_000


class ForeignTrade(msgspec.Struct, frozen=True):
    """A foreign trade as it counts: symbol, signed quantity (wad), and when it was made."""

    symbol: str
    quantity: int
    traded_at_ms: int


class Reconciliation(Aggregate, kw_only=True):
    """What the position validator knows of one hedger."""

    open: dict[str, Mismatch] = {}
    explained: dict[str, Explanation] = {}  # of the open ones, by key
    symbols: dict[str, str] = {}  # key of an open one to its symbol
    foreign: dict[str, int] = {}  # symbol to what is foreign of the venue's position, signed
    foreign_trades: dict[str, ForeignTrade] = {}  # those that a comparison may meet again, by trade id
    agreed: dict[str, int] = {}  # symbol to the venue time up to which its trades agree
    repairs: dict[str, Repair] = {}  # without outcome yet
    repairs_proposed: int = 0

    @staticmethod
    def create_id(chain_id: int, diamond: str, party_b: str) -> UUID:
        return derived_id("chains", chain_id, diamond, "reconciliation", party_b)

    @property
    def next_repair_id(self) -> str:
        return f"r{self.repairs_proposed + 1}"

    def apply(self, event: Event) -> None:
        match event:
            case MismatchFound():
                self._found(event)
            case MismatchResolved():
                self._resolved(key_of(event.kind, event.subject), event.kind, event.subject)
            case ForeignTradeFound():
                self._count(event.symbol, event.signed)
                self.foreign_trades[event.trade_id] = ForeignTrade(event.symbol, event.signed, event.traded_at_ms)
            case ForeignTradeDisowned():
                self._count(event.symbol, -event.quantity)
                self.foreign_trades.pop(event.trade_id, None)
            case ForeignPositionAccepted():
                self._count(event.symbol, event.quantity)
            case TradesAgreed():
                self._agreed(event)
            case _:
                self._repair(event)

    def _found(self, event: MismatchFound) -> None:
        found = Mismatch(kind=event.kind, subject=event.subject, chain=event.chain, venue=event.venue, log=event.log)
        self.open[found.key], self.explained[found.key] = found, event.explanation
        self.symbols[found.key] = event.symbol

    def _resolved(self, key: str, kind: MismatchKind, subject: str) -> None:
        self.open.pop(key, None)
        self.explained.pop(key, None)
        self.symbols.pop(key, None)
        for each in list(self.repairs.values()):
            if each.mismatch is kind and each.plan.subject == subject and not each.is_confirmed:
                del self.repairs[each.repair_id]

    def _count(self, symbol: str, quantity: int) -> None:
        held = self.foreign.get(symbol, 0) + quantity
        if held:
            self.foreign[symbol] = held
        else:
            self.foreign.pop(symbol, None)

    def _agreed(self, event: TradesAgreed) -> None:
        self.agreed[event.symbol] = event.upto_ms
        self.foreign_trades = {
            trade_id: trade
            for trade_id, trade in self.foreign_trades.items()
            if trade.symbol != event.symbol or trade.traded_at_ms >= event.upto_ms - _KEPT_MS
        }

    def _repair(self, event: Event) -> None:
        match event:
            case RepairProposed():
                self.repairs_proposed += 1
                self.repairs[event.repair_id] = Repair(
                    repair_id=event.repair_id,
                    number=self.repairs_proposed,
                    plan=event.plan,
                    mismatch=event.mismatch,
                    max_notional=event.max_notional,
                )
            case RepairConfirmed() if event.repair_id in self.repairs:
                self.repairs[event.repair_id].confirmed_by = event.by
            case RepairRun() | RepairFailed():
                self.repairs.pop(event.repair_id, None)
            case _:
                pass
