"""Mark prices of the exchange, by the name of the symbol."""

import asyncio
from collections.abc import Mapping

import aiohttp
import orjson

from hedger.domain.money import from_text_down


class PriceMissing(Exception):
    """The exchange has no price for a symbol, or does not answer."""


class MarkPrices:
    """Asks `GET {exchange}/fapi/v1/premiumIndex?symbol=...`."""

    def __init__(self, exchange: str, session: aiohttp.ClientSession) -> None:
        self._url = f"{exchange.rstrip('/')}/fapi/v1/premiumIndex"
        self._session = session

    async def of(self, names: Mapping[int, str]) -> dict[int, int]:
        """Price by symbol id, as wads, for symbols given as id and name. Raises PriceMissing."""
        prices = await asyncio.gather(*(self._price(name) for name in names.values()))
        return dict(zip(names, prices, strict=True))

    async def _price(self, name: str) -> int:
        try:
            async with self._session.get(self._url, params={"symbol": name}) as response:
                body = await response.read()
            return from_text_down(orjson.loads(body)["markPrice"])
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError, ArithmeticError) as error:
            raise PriceMissing(f"PRICE_NOT_FOUND: {name}") from error
