"""One symbol as the matching sees it: its price, its book, and how willingly it fills."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal
from random import Random

from devnet.exchange.orders import Order, Side
from devnet.exchange.prices import PricePath
from devnet.exchange.symbols import SymbolSpec

SHOWN_LEVELS = 10


@dataclass
class FillRules:
    """How orders of a symbol fill; all of it can be changed while it runs.

    `fractions` bounds the part of a touched resting order that fills in one tick; `levels` makes the book finite
    (that many levels, a tick apart, each holding `level_quantity`), None lets any size trade at the best price.
    Each entry of `partial_then_silent` waits for one limit order: it fills by that fraction and then no more.
    """

    level_quantity: Decimal
    fractions: tuple[Decimal, Decimal] = (Decimal(0), Decimal("0.4"))
    levels: int | None = None
    paused: bool = False
    partial_then_silent: deque[Decimal] = field(default_factory=deque)


class Market:
    """A listed symbol at work; the same `seed` gives the same price path and the same parts filled."""

    def __init__(self, spec: SymbolSpec, seed: int, now_ms: int) -> None:
        self.spec = spec
        self.price = PricePath(spec, seed, now_ms)
        self.fills = FillRules(level_quantity=spec.level_quantity)
        self.funding_rate = spec.funding_rate
        self.last_trade_id = 0
        self._seed = seed

    def next_trade_id(self) -> int:
        self.last_trade_id += 1
        return self.last_trade_id

    def level_price(self, side: Side, depth: int) -> Decimal:
        """Price of the level at this depth (0 is the best) that an order of `side` trades against."""
        return self.price.opposite_best(side) + side.sign * depth * self.spec.tick

    def shown_book(self, side: Side) -> list[tuple[Decimal, Decimal]]:
        """(price, quantity) levels an order of `side` trades against, best first."""
        depth = SHOWN_LEVELS if self.fills.levels is None else self.fills.levels
        return [(self.level_price(side, level), self.fills.level_quantity) for level in range(depth)]

    def takings(self, order: Order) -> Iterator[tuple[Decimal, Decimal]]:
        """(price, quantity) pieces an arriving order takes at once, within its limit and the book."""
        left = order.remaining
        if self.fills.levels is None:
            book = [(self.price.opposite_best(order.side), left)]
        else:
            book = self.shown_book(order.side)
        for price, quantity in book:
            if left <= 0 or not order.accepts(price):
                return
            taken = min(left, quantity)
            left -= taken
            yield price, taken

    def part_of(self, order: Order, fraction: Decimal) -> Decimal:
        """That fraction of the order's quantity in whole steps, at least one, at most what remains."""
        if fraction <= 0:
            return Decimal(0)
        steps = (order.quantity * fraction / self.spec.step).to_integral_value(ROUND_FLOOR)
        return min(order.remaining, max(Decimal(1), steps) * self.spec.step)

    def draw_part(self, order: Order) -> Decimal:
        """The seeded part of a touched order that fills in this tick. It hangs on the seed, the order id and the
        number of draws alone, so other orders do not change it."""
        order.draws += 1
        low, high = self.fills.fractions
        draw = Random(f"{self._seed}:{order.order_id}:{order.draws}").random()
        return self.part_of(order, low + (high - low) * Decimal(round(draw * 1000)) / 1000)
