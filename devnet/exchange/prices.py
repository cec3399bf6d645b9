"""A symbol's price: a seeded random walk on its ticks, which a test may set, shift or pin."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from devnet.exchange.orders import Side
from devnet.exchange.symbols import SymbolSpec

SECOND_MS = 1_000
MINUTE_MS = 60_000
MAX_CANDLES = 1500


@dataclass
class Candle:
    """Prices of mid within one minute or second; the volume is made up, seeded like the walk."""

    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = Decimal(0)
    quote_volume: Decimal = Decimal(0)
    moves: int = 0

    def add(self, price: Decimal, volume: Decimal) -> None:
        self.high, self.low, self.close = max(self.high, price), min(self.low, price), price
        self.volume += volume
        self.quote_volume += volume * price
        self.moves += 1


class PricePath:
    """Mid, best bid and best ask of one symbol, one step a tick of time.

    The walk draws from its own generator at every step, pinned or not, so the moves depend on the seed and the
    number of ticks alone and never on what was traded.
    """

    def __init__(self, spec: SymbolSpec, seed: int, now_ms: int) -> None:
        self.spec = spec
        self.half_spread_ticks = spec.half_spread_ticks
        self.pinned = False
        self.update_id = 1
        self.changed_ms = now_ms
        self._random = Random(f"{seed}:{spec.name}:price")
        self._mid_ticks = int(spec.start_price / spec.tick)
        self.candles: deque[Candle] = deque(maxlen=MAX_CANDLES)
        self.seconds: deque[Candle] = deque(maxlen=MAX_CANDLES)
        self.day = self._new_candle(now_ms)
        self._record(now_ms, Decimal(0))

    @property
    def mid(self) -> Decimal:
        return self._mid_ticks * self.spec.tick

    @property
    def bid(self) -> Decimal:
        return (self._mid_ticks - self.half_spread_ticks) * self.spec.tick

    @property
    def ask(self) -> Decimal:
        return (self._mid_ticks + self.half_spread_ticks) * self.spec.tick

    @property
    def mark(self) -> Decimal:
        """The mark price; here mid itself, and the index price too."""
        return self.mid

    def opposite_best(self, side: Side) -> Decimal:
        """The price an order of this side can trade at now."""
        return self.ask if side is Side.BUY else self.bid

    def step(self, now_ms: int) -> None:
        """One tick of time."""
        move = self._random.randint(-self.spec.walk_ticks, self.spec.walk_ticks)
        volume = self._random.randint(1, 50) * self.spec.step
        self._move_to(self._mid_ticks + (0 if self.pinned else move))
        self.changed_ms = now_ms
        self._record(now_ms, volume)

    def set_mid(self, price: Decimal, now_ms: int) -> None:
        """Jump; the walk goes on from there. The price is rounded down to a tick."""
        self._move_to(int(price / self.spec.tick))
        self.changed_ms = now_ms
        self._record(now_ms, Decimal(0))

    def _move_to(self, mid_ticks: int) -> None:
        self._mid_ticks = max(mid_ticks, self.half_spread_ticks + 1)
        self.update_id += 1

    def _new_candle(self, open_ms: int) -> Candle:
        return Candle(open_ms, self.mid, self.mid, self.mid, self.mid)

    def _record(self, now_ms: int, volume: Decimal) -> None:
        for candles, length_ms in ((self.candles, MINUTE_MS), (self.seconds, SECOND_MS)):
            self._open_candles(candles, now_ms - now_ms % length_ms, length_ms)
            candles[-1].add(self.mid, volume)
        self.day.add(self.mid, volume)

    def _open_candles(self, candles: deque[Candle], opened_ms: int, length_ms: int) -> None:
        """The candle of now; a time without a tick has candles too, at the price it kept."""
        first_ms = candles[-1].open_ms + length_ms if candles else opened_ms
        for missed_ms in range(max(first_ms, opened_ms - MAX_CANDLES * length_ms), opened_ms, length_ms):
            kept = candles[-1].close
            candles.append(Candle(missed_ms, kept, kept, kept, kept))
        if not candles or candles[-1].open_ms < opened_ms:
            candles.append(self._new_candle(opened_ms))
