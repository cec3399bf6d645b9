"""A client for the control routes of an exchange that runs in another process."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import aiohttp


class ExchangeControl:
    """`async with ExchangeControl(url) as control`; every answer is the route's JSON, and a refusal raises ValueError.

    The fields of each route are listed in `devnet.exchange.control`.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> ExchangeControl:
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def price(self, symbol: str, **change: object) -> Any:
        """`mid` or `shift` as strings, `pin` as bool."""
        return await self._ask("POST", "price", symbol=symbol, **change)

    async def fills(self, symbol: str | None = None, **rules: object) -> Any:
        return await self._ask("POST", "fills", **({} if symbol is None else {"symbol": symbol}), **rules)

    async def release(self, client_order_id: str | None = None) -> Any:
        return await self._ask(
            "POST", "release", **({} if client_order_id is None else {"client_order_id": client_order_id})
        )

    async def tick(self, count: int = 1) -> Any:
        return await self._ask("POST", "tick", count=count)

    async def fault(self, kind: str | None = None, *, preset: str | None = None, **details: object) -> Any:
        """Arm a fault of a kind, or a preset such as `rate_limited`."""
        chosen: dict[str, object] = {"kind": kind} if preset is None else {"preset": preset}
        return await self._ask("POST", "faults", **chosen, **details)

    async def clear_faults(self) -> Any:
        return await self._ask("DELETE", "faults")

    async def user_stream(self, action: str, **details: object) -> Any:
        return await self._ask("POST", "user-stream", action=action, **details)

    async def foreign_order(self, **order: object) -> Any:
        return await self._ask("POST", "orders", **order)

    async def funding(self, symbol: str, **change: object) -> Any:
        return await self._ask("POST", "funding", symbol=symbol, **change)

    async def deposit(self, amount: str) -> Any:
        return await self._ask("POST", "deposit", amount=amount)

    async def state(self) -> Any:
        return await self._ask("GET", "state")

    async def requests(self) -> Any:
        return await self._ask("GET", "requests")

    async def _ask(self, method: str, name: str, /, **body: object) -> Any:
        if self._session is None:
            raise RuntimeError("use the control inside `async with`")
        async with self._session.request(method, f"{self._url}/control/{name}", json=body or None) as response:
            content = await response.json()
        if response.status != 200:
            raise ValueError(f"{method} {name}: {content}")
        return content
