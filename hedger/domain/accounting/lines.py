"""The lines of profit and loss: what each event earned or cost, by kind, exact to 36 decimals."""

from enum import StrEnum

import msgspec

from hedger.domain.money import WAD

SCALE = WAD * WAD
"""A line's amount is a whole number of 1/SCALE: a product of two wads loses nothing."""


class LineKind(StrEnum):
    SPREAD = "spread"  # the contract's price against the market at which the hedge was decided
    SLIPPAGE = "slippage"  # the venue's fill against that market
    FEE = "fee"  # the venue's commission
    FUNDING_CHAIN = "funding_chain"  # charged on chain, through the opened price
    FUNDING_VENUE = "funding_venue"  # paid or received at the venue
    RESIDUAL = "residual"  # what the market did to a quantity that one side held alone
    PENALTY = "penalty"  # what a forced close cost beyond the market
    LIQUIDATION = "liquidation"  # what liquidations paid and took, and what their hedges earned
    FOREIGN = "foreign"  # trades on the account that are none of the hedger's
    ROUNDING = "rounding"  # what the contract's and the venue's last digit kept or gave
    OTHER = "other"  # movements of the wallet of another kind
    FLOW = "flow"  # deposits and withdrawals: they change the equity and are no profit
    GAS = "gas"  # the chain's own coin, in wei beside the amounts


def exact_text(amount: int) -> str:
    """An amount of 36 decimals as plain decimal text, without needless zeros."""
    sign, digits = ("-", str(-amount)) if amount < 0 else ("", str(amount))
    digits = digits.rjust(37, "0")
    whole, fraction = digits[:-36], digits[-36:].rstrip("0")
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One amount, positive when it was earned. `asset` is empty for the collateral; `sources` are log positions of the
    events it comes from, the newest first."""

    kind: LineKind
    amount: int
    asset: str = ""
    gas_wei: int = 0
    sources: tuple[int, ...] = ()
    note: str = ""
