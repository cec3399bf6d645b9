"""ccxt's own binanceusdm, unmodified, with every URL pointing at a paper exchange."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import ccxt.pro

API_KEY, SECRET = "paper-key", "paper-secret"


def exchange_client(url: str, api_key: str = API_KEY, secret: str = SECRET) -> Any:
    """A ccxt.pro client (REST and WebSocket) for the exchange at `url`; the caller closes it."""
    client = ccxt.pro.binanceusdm(
        {
            "apiKey": api_key,
            "secret": secret,
            "rateLimiterAlgorithm": "rollingWindow",
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
