"""The ccxt client, set up so that it is fast, talks to one place only, and keeps the key to itself."""

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import ccxt
import ccxt.async_support

from hedger.adapters.venue.outcomes import HttpAnswer
from hedger.adapters.venue.settings import VenueSettings

KEEP_ALIVE_S = 30  # a new TLS handshake costs an order more than everything else together


def build_client(settings: VenueSettings, clock_ms: Callable[[], int]) -> Any:
    """A ccxt client of the exchange named in the settings. It connects with the first request."""
    base = getattr(ccxt.async_support, settings.exchange)
    client = _tapped(base, clock_ms)(
        {
            "apiKey": settings.api_key,
            "secret": settings.secret,
            "timeout": settings.timeout_ms,
            "rateLimiterAlgorithm": "rollingWindow",  # the default bucket spaces orders 200 ms apart
            "rateLimit": 25,  # 2,400 units a minute, the exchange's own bound; the default is half of it
            "options": {
                "recvWindow": settings.recv_window_ms,
                "fetchMargins": False,  # these two make signed requests to the spot exchange
                "fetchCurrencies": False,
                "warnOnFetchOpenOrdersWithoutSymbol": False,
            },
        }
    )
    client.timeout_on_exit = 0
    client.logger = logging.Logger("venue.wire", logging.CRITICAL)  # ccxt logs headers and signed bodies at DEBUG
    if settings.sandbox:
        client.enable_demo_trading(True)
    if settings.base_url is not None:
        client.urls["api"] = _redirected(client.urls["api"], settings.base_url.rstrip("/"))
    return client


async def open_session(client: Any) -> None:
    """Gives the client a session of ours that keeps connections longer than aiohttp's 15 seconds."""
    client.open()
    await client.session.close()
    connector = aiohttp.TCPConnector(ssl=client.ssl_context, keepalive_timeout=KEEP_ALIVE_S, limit=0)
    client.tcp_connector = connector
    client.session = aiohttp.ClientSession(connector=connector)


def _redirected(urls: Any, base_url: str) -> Any:
    """Every address on another host. One left over would send signed requests to the real exchange."""
    if isinstance(urls, dict):
        return {key: _redirected(value, base_url) for key, value in urls.items()}
    return base_url + urlsplit(urls).path if isinstance(urls, str) else urls


def _tapped(base: Any, clock_ms: Callable[[], int]) -> Any:
    """The client class on the injected clock, whose errors carry what the venue answered."""

    def milliseconds(self: Any) -> int:
        return clock_ms()

    def handle_errors(self: Any, status: int, reason: str, url: str, method: str, headers: Any, *rest: Any) -> Any:
        try:
            return base.handle_errors(self, status, reason, url, method, headers, *rest)
        except ccxt.BaseError as error:
            error.http_answer = _http_answer(status, headers, rest[1])
            raise

    def handle_http_status_code(self: Any, status: int, reason: str, url: str, method: str, body: str) -> Any:
        try:
            return base.handle_http_status_code(self, status, reason, url, method, body)
        except ccxt.BaseError as error:
            error.http_answer = _http_answer(status, {}, None)
            raise

    taps = {
        "milliseconds": milliseconds,
        "handle_errors": handle_errors,
        "handle_http_status_code": handle_http_status_code,
    }
    return type(base.__name__, (base,), taps)


def _http_answer(status: int, headers: Any, body: Any) -> HttpAnswer:
    lowered = {str(key).lower(): value for key, value in headers.items()}
    code = body.get("code") if isinstance(body, dict) else None
    return HttpAnswer(status, _whole(code), _seconds(lowered.get("retry-after")))


def _whole(value: object) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None


def _seconds(value: object) -> float | None:
    number = _whole(value)
    return None if number is None or number < 0 else float(number)
