"""What the exchange lists: symbols with their filters, leverage brackets and the temper of their price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

D = Decimal
DEFAULT_FUNDING_RATE = D("0.0001")


@dataclass(frozen=True)
class Bracket:
    """Notional range (USDT) in which at most `leverage` may be used; `cum` keeps maintenance margin continuous."""

    number: int
    leverage: int
    floor: Decimal
    cap: Decimal
    maintenance_ratio: Decimal
    cum: Decimal


def brackets(*rows: tuple[int, str, str]) -> tuple[Bracket, ...]:
    """Brackets from (leverage, notional cap, maintenance ratio) rows in rising order of cap."""
    result: list[Bracket] = []
    floor, cum, last_ratio = D(0), D(0), D(0)
    for number, (leverage, cap, ratio) in enumerate(rows, start=1):
        cum += floor * (D(ratio) - last_ratio)
        result.append(Bracket(number, leverage, floor, D(cap), D(ratio), cum))
        floor, last_ratio = D(cap), D(ratio)
    return tuple(result)


@dataclass(frozen=True)
class SymbolSpec:
    """One listed perpetual.

    Prices are USDT per unit of base, quantities are in base. `half_spread_ticks` is the distance from mid to
    either best price; `walk_ticks` bounds how far mid moves in one tick of time; `level_quantity` is what each
    level of the shown book holds.
    """

    name: str
    base: str
    tick: Decimal
    step: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    market_max_quantity: Decimal
    min_notional: Decimal
    start_price: Decimal
    level_quantity: Decimal
    brackets: tuple[Bracket, ...]
    half_spread_ticks: int = 1
    walk_ticks: int = 5
    funding_rate: Decimal = DEFAULT_FUNDING_RATE
    quote: str = "USDT"

    @property
    def price_decimals(self) -> int:
        return decimals(self.tick)

    @property
    def quantity_decimals(self) -> int:
        return decimals(self.step)

    @property
    def max_leverage(self) -> int:
        return self.brackets[0].leverage

    def bracket_of(self, notional: Decimal) -> Bracket:
        """The bracket an absolute notional falls in; the last one beyond the table."""
        return next((b for b in self.brackets if notional < b.cap), self.brackets[-1])

    def notional_cap(self, leverage: int) -> Decimal:
        """The largest notional a position may have at this leverage."""
        return max(b.cap for b in self.brackets if b.leverage >= leverage)


def decimals(unit: Decimal) -> int:
    """Decimal places of a tick or step: 2 for 0.01, 0 for 1."""
    exponent = unit.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


BTCUSDT = SymbolSpec(
    name="BTCUSDT",
    base="BTC",
    tick=D("0.1"),
    step=D("0.001"),
    min_quantity=D("0.001"),
    max_quantity=D("1000"),
    market_max_quantity=D("120"),
    min_notional=D("100"),
    start_price=D("60000"),
    level_quantity=D("4.2"),
    walk_ticks=20,
    brackets=brackets((125, "300000", "0.004"), (100, "800000", "0.005"), (50, "3000000", "0.01"), (1, "9e8", "0.05")),
)
ETHUSDT = SymbolSpec(
    name="ETHUSDT",
    base="ETH",
    tick=D("0.01"),
    step=D("0.001"),
    min_quantity=D("0.001"),
    max_quantity=D("10000"),
    market_max_quantity=D("2000"),
    min_notional=D("20"),
    start_price=D("3000"),
    level_quantity=D("42"),
    walk_ticks=12,
    brackets=brackets((100, "300000", "0.005"), (75, "800000", "0.0065"), (50, "3000000", "0.01"), (1, "9e8", "0.05")),
)
SOLUSDT = SymbolSpec(
    name="SOLUSDT",
    base="SOL",
    tick=D("0.01"),
    step=D("0.1"),
    min_quantity=D("0.1"),
    max_quantity=D("1000000"),
    market_max_quantity=D("20000"),
    min_notional=D("5"),
    start_price=D("150"),
    level_quantity=D("420"),
    walk_ticks=2,
    brackets=brackets((75, "100000", "0.005"), (50, "600000", "0.01"), (20, "3000000", "0.025"), (1, "9e8", "0.1")),
)
DEFAULT_SYMBOLS: Sequence[SymbolSpec] = (BTCUSDT, ETHUSDT, SOLUSDT)
