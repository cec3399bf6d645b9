"""Candles of the exchange: what a price did within a period, and what it was at a moment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
import orjson

from hedger.domain.money import from_text_down

MINUTE_S = 60
# The network knows minutes alone; seconds let a local world force a close without waiting for minutes to pass.
INTERVALS = {MINUTE_S: "1m", 1: "1s"}


Told = TypeVar("Told")


class CandlesMissing(Exception):
    """The exchange does not tell the whole period; the text is the network's own."""


@dataclass(frozen=True, slots=True)
class Period:
    """Prices as wads, times of the first and the last candle in unix seconds."""

    start_time: int
    end_time: int
    lowest: int
    highest: int
    mean: int


class Candles:
    """Asks `GET {exchange}/fapi/v1/klines?interval=...&...`. `grain_s` is the length of a candle: 60 or 1."""

    def __init__(self, exchange: str, session: aiohttp.ClientSession, *, grain_s: int = MINUTE_S) -> None:
        self._url = f"{exchange.rstrip('/')}/fapi/v1/klines"
        self._session = session
        self.grain_s, self._interval = grain_s, INTERVALS[grain_s]

    async def period(self, name: str, start: int, end: int) -> Period:
        """The candles opened from `start` to `end`, both included. Raises CandlesMissing."""
        count = (end - start) // self.grain_s + 1
        return await self._read(name, start, end, lambda candles: _period(candles, count))

    async def price_at(self, name: str, moment: int) -> int:
        """The last price (wad) within the candle of a moment, in unix seconds. Raises CandlesMissing."""
        start = moment // self.grain_s * self.grain_s
        return await self._read(name, start, start, lambda candles: from_text_down(candles[0][4]))

    async def _read(self, name: str, start: int, end: int, parse: Callable[[Any], Told]) -> Told:
        count = (end - start) // self.grain_s + 1
        bounds = {"startTime": str(start * 1000), "endTime": str(end * 1000), "limit": str(count)}
        asked = {"symbol": name, "interval": self._interval, **bounds}
        try:
            async with self._session.get(self._url, params=asked) as response:
                return parse(orjson.loads(await response.read()))
        except (aiohttp.ClientError, TimeoutError, ValueError, LookupError, TypeError, ArithmeticError) as error:
            raise CandlesMissing("BAD_BINANCE_RESPONSE") from error


def _period(candles: Sequence[Sequence[Any]], count: int) -> Period:
    if not isinstance(candles, list) or len(candles) != count:
        raise CandlesMissing("INVALID_CANDLES_LENGTH")
    opens, highs, lows, closes, volumes = (
        [from_text_down(candle[column]) for candle in candles] for column in range(1, 6)
    )
    if min(lows) == 0:
        raise CandlesMissing("ZERO_LOWEST")
    # Minutes without a trade weigh nothing, unless no minute had one.
    weights = volumes if any(volumes) else [1] * count
    weighted = sum(weight * (first + last) for weight, first, last in zip(weights, opens, closes, strict=True))
    mean = weighted // (2 * sum(weights))
    return Period(candles[0][0] // 1000, candles[-1][0] // 1000, min(lows), max(highs), mean)
