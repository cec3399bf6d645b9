"""An amount of a whole symbol, shared out to those who hold it."""

from collections.abc import Mapping
from typing import TypeVar

K = TypeVar("K")


def shared_out(amount: int, held: Mapping[K, int]) -> dict[K, int]:
    """Shares in proportion to signed holdings; together they are the amount to the last unit, the rest of the divisions
    going to the largest holding. Who holds against the others gets a share of the other sign. Nothing where nothing is
    held in all."""
    net = sum(held.values())
    if not net:
        return {}
    shares = {key: amount * quantity // net for key, quantity in held.items() if quantity}
    largest = max(shares, key=lambda key: abs(held[key]))
    shares[largest] += amount - sum(shares.values())
    return shares
