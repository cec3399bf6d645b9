"""Exact money: 18-decimal integers ("wad"), and the roundings by name.

A price, quantity, ratio or balance is an `int` scaled by 10**18 everywhere in the domain, as on chain, so products and
quotients here give the contract's own results to the last unit. Text and `Decimal` appear only at the edges.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

WAD = 10**18
# 28 digits, the default, lose the last units of a product of two wads.
_WIDE = Context(prec=120)


def mul(a: int, b: int) -> int:
    """Floor of a * b / 10**18 for non-negative wads, as the contract computes it."""
    return a * b // WAD


def mul_up(a: int, b: int) -> int:
    """Ceiling of a * b / 10**18."""
    return -(-a * b // WAD)


def div(a: int, b: int) -> int:
    """Floor of a * 10**18 / b."""
    return a * WAD // b


def div_up(a: int, b: int) -> int:
    """Ceiling of a * 10**18 / b."""
    return -(-a * WAD // b)


def mul_div(a: int, b: int, c: int) -> int:
    """Floor of a * b / c: multiply first, then divide (locked values are scaled this way)."""
    return a * b // c


def trunc_div(a: int, b: int) -> int:
    """a / b rounded toward zero, as Solidity divides signed integers."""
    quotient = abs(a) // abs(b)
    return quotient if (a >= 0) == (b >= 0) else -quotient


def floor_to(value: int, step: int) -> int:
    """The largest multiple of step not above value."""
    return value - value % step if step else value


def ceil_to(value: int, step: int) -> int:
    """The smallest multiple of step not below value."""
    return -(-value // step) * step if step else value


def from_text(text: str | int | Decimal) -> int:
    """A decimal number as wad. Raises ValueError where it is no finite number or has more than 18 decimals."""
    try:
        scaled = _WIDE.scaleb(_WIDE.create_decimal(text), 18)
    except ArithmeticError as error:
        raise ValueError(f"not a number: {text!r}") from error
    if not scaled.is_finite() or scaled != scaled.to_integral_value():
        raise ValueError(f"not a number of at most 18 decimals: {text!r}")
    return int(scaled)


def from_text_down(text: str | Decimal) -> int:
    """As `from_text`, but decimals past the 18th are cut (toward minus infinity)."""
    return int(_WIDE.scaleb(_WIDE.create_decimal(text), 18).to_integral_value(ROUND_FLOOR))


def from_text_up(text: str | Decimal) -> int:
    """As `from_text`, but decimals past the 18th round away upward."""
    return int(_WIDE.scaleb(_WIDE.create_decimal(text), 18).to_integral_value(ROUND_CEILING))


def to_decimal(wad: int) -> Decimal:
    """The exact decimal value of a wad."""
    return _WIDE.scaleb(Decimal(wad), -18)


def to_text(wad: int) -> str:
    """A wad as plain decimal text without exponent and without needless zeros: 1500000000000000000 is '1.5'."""
    sign, digits = ("-", str(-wad)) if wad < 0 else ("", str(wad))
    digits = digits.rjust(19, "0")
    whole, fraction = digits[:-18], digits[-18:].rstrip("0")
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"
