"""ccxt's own binanceusdm, unmodified, with every URL pointing at a paper exchange."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import ccxt.pro

from devnet.exchange import PaperExchange

API_KEY, SECRET = "paper-key", "paper-secret"
BTC, ETH, SOL = "BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"


def exchange_client(url: str, api_key: str = API_KEY, secret: str = SECRET) -> Any:
    """A ccxt.pro client (REST and WebSocket) for the exchange at `url`; the caller closes it."""
    client = ccxt.pro.binanceusdm(
        {
            "apiKey": api_key,
            "secret": secret,
            "rateLimiterAlgorithm": "rollingWindow",
            "timeout_on_exit": 1,
            "options": {"fetchMargins": False, "fetchCurrencies": False},
        }
    )
    client.urls["api"] = redirected(client.urls["api"], urlsplit(url).netloc)
    client.exceptions["exact"] = {**client.exceptions["exact"], **client.exceptions["linear"]["exact"]}
    return client


def redirected(urls: Any, netloc: str) -> Any:
    """The same tree of URLs on another host, plain instead of TLS, paths kept."""
    if isinstance(urls, dict):
        return {name: redirected(below, netloc) for name, below in urls.items()}
    parts = urlsplit(urls)
    scheme = "ws" if parts.scheme.startswith("ws") else "http"
    return f"{scheme}://{netloc}{parts.path}"


@asynccontextmanager
async def paper_trading(**options: Any) -> AsyncIterator[tuple[PaperExchange, Any]]:
    """A running exchange and a client of it with its markets loaded. Time stands still unless `tick_ms` says so."""
    exchange = PaperExchange(**{"api_key": API_KEY, "secret": SECRET, "tick_ms": 0, **options})
    client = exchange_client(await exchange.start())
    try:
        await client.load_markets()
        yield exchange, client
    finally:
        await client.close()
        await exchange.stop()


async def user_stream_connected(exchange: PaperExchange) -> None:
    """Wait until a user stream of the exchange has a listener; TimeoutError after five seconds."""
    for _ in range(500):
        if exchange.hub.counts()["user"]:
            return
        await asyncio.sleep(0.01)
    raise TimeoutError("no user stream connected")
