"""The book of one position: a quote with its hedge, a symbol's residual, or whatever else is held at the venue."""

import msgspec

from hedger.domain.accounting import moves
from hedger.domain.accounting.inventory import Inventory, Match, Origin
from hedger.domain.accounting.lines import Line, LineKind
from hedger.domain.accounting.moves import Entry
from hedger.domain.money import WAD
from hedger.domain.quote.payments import funded_price, payment
from hedger.domain.terms import PositionType


class PositionBook(msgspec.Struct, kw_only=True):
    """A fold of moves. Every move that counts gives lines; all lines and the inventory at a mark add up to what the
    moves changed of the equity, position on chain and at the venue valued at that mark."""

    is_foreign: bool = False
    position_type: PositionType = PositionType.LONG
    open_quantity: int = 0
    opened_price: int = 0
    hedge: int = 0  # held at the venue, signed
    inventory: Inventory = msgspec.field(default_factory=Inventory)

    def apply(self, entry: Entry) -> list[Line]:
        """The lines of one move."""
        match entry.move:
            case moves.Sent(position_type=side):
                self.position_type = side
            case moves.Carried() as carried:
                self.position_type = carried.position_type
                self.open_quantity, self.opened_price = carried.quantity, carried.opened_price
            case moves.Filled() as filled:
                return self._fill(filled, entry)
            case moves.Held(quantity=quantity, price=price):
                self._trade(quantity, price, Origin.VENUE, entry)
            case _ if entry.counts:
                return self._on_chain(entry)
            case _:
                pass
        return []

    def _fill(self, filled: moves.Filled, entry: Entry) -> list[Line]:
        self.hedge += filled.quantity
        if not entry.counts:
            return []
        reference = filled.decision_price or filled.price
        lines = self._trade(filled.quantity, reference, Origin.VENUE, entry)
        slippage = filled.quantity * (reference - filled.price)
        lines += [self._line(LineKind.SLIPPAGE, slippage, entry)] if slippage else []
        if filled.fee:
            kind = LineKind.FOREIGN if self.is_foreign else LineKind.FEE
            told = Line(kind=kind, amount=-filled.fee * WAD, asset=filled.fee_asset, sources=(entry.position,))
            lines.append(told)
        return lines

    def _on_chain(self, entry: Entry) -> list[Line]:
        match entry.move:
            case moves.Opened(quantity=quantity, price=price):
                self.open_quantity, self.opened_price = quantity, price
                return self._trade(self._of_party_b(quantity), price, Origin.CHAIN, entry)
            case moves.Closed() as closed:
                return self._close(closed, entry)
            case moves.Funded(rate=rate):
                return self._reprice(funded_price(self.position_type, self.opened_price, rate), entry, paid=False)
            case moves.Settled(price=price):
                return self._reprice(price, entry, paid=True)
            case moves.Liquidated():
                quantity, self.open_quantity = self.open_quantity, 0
                return self._trade(-self._of_party_b(quantity), self.opened_price, Origin.LIQUIDATED, entry)
            case _:
                return []

    def _close(self, closed: moves.Closed, entry: Entry) -> list[Line]:
        self.open_quantity -= closed.quantity
        origin = Origin.FORCED if closed.forced else Origin.CHAIN
        lines = self._trade(-self._of_party_b(closed.quantity), closed.price, origin, entry)
        paid = payment(self.position_type, self.opened_price, closed.quantity, closed.price)
        earned = self._of_party_b(closed.quantity) * (closed.price - self.opened_price)
        return [*lines, *self._rounding(paid * WAD - earned, entry)]

    def _reprice(self, price: int, entry: Entry, *, paid: bool) -> list[Line]:
        """The opened price becomes another: the position's worth moves, by funding for good, by a settlement in
        exchange for money."""
        worth = self._of_party_b(self.open_quantity) * (self.opened_price - price)
        money = payment(self.position_type, self.opened_price, self.open_quantity, price) if paid else 0
        self.opened_price = price
        if paid:
            return self._rounding(worth + money * WAD, entry)
        return [self._line(LineKind.FUNDING_CHAIN, worth, entry)] if worth else []

    def _of_party_b(self, quantity: int) -> int:
        """PartyB sells what a long PartyA buys."""
        return -quantity if self.position_type is PositionType.LONG else quantity

    def _rounding(self, amount: int, entry: Entry) -> list[Line]:
        return [self._line(LineKind.ROUNDING, amount, entry)] if amount else []

    def _trade(self, quantity: int, price: int, origin: Origin, entry: Entry) -> list[Line]:
        """One line a kind, of all the earlier trades that this one was matched with."""
        earned: dict[LineKind, int] = {}
        sources: dict[LineKind, list[int]] = {}
        for match in self.inventory.trade(quantity, price, origin, entry.position):
            kind = LineKind.FOREIGN if self.is_foreign else _kind_of(match, origin)
            earned[kind] = earned.get(kind, 0) + match.earned
            sources.setdefault(kind, []).append(match.position)
        return [
            Line(kind=kind, amount=amount, sources=(entry.position, *dict.fromkeys(sources[kind])))
            for kind, amount in earned.items()
            if amount
        ]

    def _line(self, kind: LineKind, amount: int, entry: Entry) -> Line:
        kind = LineKind.FOREIGN if self.is_foreign else kind
        return Line(kind=kind, amount=amount, sources=(entry.position,))


def _kind_of(match: Match, later: Origin) -> LineKind:
    both = {match.earlier, later}
    if Origin.LIQUIDATED in both:
        return LineKind.LIQUIDATION
    if Origin.FORCED in both:
        return LineKind.PENALTY
    return LineKind.SPREAD if len(both) > 1 else LineKind.RESIDUAL
