"""One-minute candles of the exchange: what a price did within a period."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from hedger.domain.money import from_text_down

MINUTE_S = 60


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
    """Asks `GET {exchange}/fapi/v1/klines?interval=1m&...`."""

    def __init__(self, exchange: str, session: aiohttp.ClientSession) -> None:
        self._url = f"{exchange.rstrip('/')}/fapi/v1/klines"
        self._session = session

    async def period(self, name: str, start: int, end: int) -> Period:
        """The candles opened from `start` to `end`, both included. Raises CandlesMissing."""
        count = (end - start) // MINUTE_S + 1
        bounds = {"startTime": str(start * 1000), "endTime": str(end * 1000), "limit": str(count)}
        try:
            async with self._session.get(self._url, params={"symbol": name, "interval": "1m", **bounds}) as response:
                candles = orjson.loads(await response.read())
            return _period(candles, count)
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError, ArithmeticError) as error:
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
