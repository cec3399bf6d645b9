"""The model venue's wallet: average cost, realised profit rounded to what the wallet can hold, every movement kept."""

from dataclasses import dataclass, field

from hedger.adapters.venue.port import Fill, Income
from hedger.domain.terms import Side
from hedger.domain.venue_cash import IncomeKind, VenuePosition
from tests.simulation.model_state import WAD

UNIT = 10**10  # the eighth decimal of a wad
START = 10**6 * WAD


@dataclass
class ModelWallet:
    """Amounts are wads, `costs` of 36 decimals and signed as the position."""

    balance: int = START
    income: list[Income] = field(default_factory=list)
    positions: dict[str, int] = field(default_factory=dict)
    costs: dict[str, int] = field(default_factory=dict)

    def trade(self, fill: Fill) -> None:
        """Book a fill: what it realises, and its commission."""
        signed = fill.quantity if fill.side is Side.BUY else -fill.quantity
        held, cost = self.positions.get(fill.symbol, 0), self.costs.get(fill.symbol, 0)
        closed = min(fill.quantity, abs(held)) if signed * held < 0 else 0
        if closed:
            released = cost if closed == abs(held) else cost * closed // abs(held)
            part = closed if signed > 0 else -closed
            realised = _rounded(-part * fill.price - released)
            self.move(IncomeKind.REALISED, fill.symbol, realised, fill.traded_at_ms, fill.trade_id)
            signed -= part
            held += part
            # What the wallet did not get by rounding stays in the position, and is gone with it.
            cost = cost + part * fill.price + realised * WAD if held else 0
        self.positions[fill.symbol] = held + signed
        self.costs[fill.symbol] = cost + signed * fill.price
        self.move(IncomeKind.COMMISSION, fill.symbol, -fill.fee, fill.traded_at_ms, fill.trade_id)

    def move(self, kind: IncomeKind, symbol: str, amount: int, at_ms: int, trade_id: str = "") -> None:
        """Nothing is kept of a zero."""
        if not amount:
            return
        self.balance += amount
        self.income.append(
            Income(
                kind=kind,
                name=kind.value,
                symbol=symbol,
                amount=amount,
                asset="USDT",
                tran_id=str(len(self.income) + 1),
                trade_id=trade_id,
                at_ms=at_ms,
            )
        )

    def valued(self, marks: dict[str, int]) -> list[VenuePosition]:
        """The open positions at these marks."""
        return [
            VenuePosition(
                symbol=symbol,
                quantity=quantity,
                mark=marks[symbol],
                unrealised=_rounded(quantity * marks[symbol] - self.costs[symbol]),
            )
            for symbol, quantity in self.positions.items()
            if quantity
        ]


def _rounded(value: int) -> int:
    """36 decimals to a wad of eight decimals, halves away from zero."""
    unit = WAD * UNIT
    whole = (abs(value) * 2 + unit) // (2 * unit) * UNIT
    return whole if value >= 0 else -whole
