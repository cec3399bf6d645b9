"""What a trader asks for: the terms of a quote and of a close, and the values a quote locks."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from hedger.domain.money import WAD, from_text, mul
from hedger.domain.terms import OrderType, PositionType

CENT = Decimal("0.01")
HUNDRED = Decimal(100)
# Of the deposit, not more than this may go into the shares that a liquidation takes.
MOST_LOCKED_PERCENT = Decimal(60)


@dataclass(frozen=True, slots=True)
class LockedValues:
    """Amounts a quote locks, as wads, in the contract's order."""

    cva: int
    lf: int
    party_a_mm: int
    party_b_mm: int

    @property
    def total_a(self) -> int:
        """The deposit of PartyA."""
        return self.cva + self.lf + self.party_a_mm


@dataclass(frozen=True, slots=True)
class LockedPercents:
    """Shares as a hedger quotes them for one leverage: of the deposit, and for PartyB of the notional."""

    cva: Decimal
    lf: Decimal
    party_a_mm: Decimal
    party_b_mm: Decimal = Decimal(0)

    @classmethod
    def for_leverage(cls, leverage: int, *, cn_percent: Decimal = Decimal(1)) -> "LockedPercents":
        """CVA and LF are `cn_percent` of the notional together, two to one; two decimals, as they are published."""
        total = cn_percent * leverage
        if leverage < 1 or total > MOST_LOCKED_PERCENT:
            raise ValueError(f"leverage {leverage} is not offered at {cn_percent} % of the notional")
        cva, lf = (_to_cents(total * 2 / 3), _to_cents(total / 3))
        return cls(cva, lf, HUNDRED - cva - lf)

    def amounts(self, notional: int, leverage: int) -> LockedValues:
        """The locked values of a notional (wad). Rounded up, so that no share falls below what was asked."""
        deposit = HUNDRED * leverage
        return LockedValues(
            cva=_share(notional, self.cva, deposit),
            lf=_share(notional, self.lf, deposit),
            party_a_mm=_share(notional, self.party_a_mm, deposit),
            party_b_mm=_share(notional, self.party_b_mm, HUNDRED),
        )


@dataclass(frozen=True, slots=True)
class QuoteTerms:
    """One trade intent. Price and quantity are wads; the deadline counts from the latest block.

    Without `locked`, the values follow from the leverage; an empty whitelist lets every hedger lock the quote.
    """

    symbol_id: int
    position_type: PositionType
    order_type: OrderType
    price: int
    quantity: int
    leverage: int = 10
    deadline_s: int = 3_600
    max_funding_rate: int = 200 * WAD
    white_list: tuple[str, ...] = ()
    locked: LockedValues | None = None

    @property
    def notional(self) -> int:
        return mul(self.quantity, self.price)

    def locked_values(self) -> LockedValues:
        return self.locked or LockedPercents.for_leverage(self.leverage).amounts(self.notional, self.leverage)


@dataclass(frozen=True, slots=True)
class CloseTerms:
    """One close request. Price and quantity are wads; the deadline counts from the latest block."""

    price: int
    quantity: int
    order_type: OrderType
    deadline_s: int = 3_600


def with_slippage(price: int, percent: Decimal, *, upward: bool) -> int:
    """The worst price still accepted, this many per cent above or below a price."""
    move = mul(price, from_text(percent / 100))
    return price + move if upward else price - move


def _to_cents(percent: Decimal) -> Decimal:
    return percent.quantize(CENT, ROUND_HALF_UP)


def _share(notional: int, percent: Decimal, whole: Decimal) -> int:
    return -(-notional * from_text(percent) // from_text(whole))
