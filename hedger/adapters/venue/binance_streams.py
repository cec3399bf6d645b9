"""The streams of Binance USD-M futures: the account's executions, and prices."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

import ccxt

from hedger.adapters.venue import binance_answers as answers
from hedger.adapters.venue.outcomes import redacted
from hedger.adapters.venue.port import Fill, Market, OrderReport, VenueUnavailable
from hedger.adapters.venue.price_board import PriceBoard
from hedger.adapters.venue.reading import Answer
from hedger.adapters.venue.settings import VenueSettings
from hedger.adapters.venue.sockets import JsonSocket

LIVE = "wss://fstream.binance.com"
PRACTICE = "wss://fstream.binancefuture.com"
_ENDED = ("listenKeyExpired", "eventStreamTerminated")


def root(settings: VenueSettings) -> str:
    """Scheme and host of the streams."""
    if settings.ws_url is not None:
        return settings.ws_url.rstrip("/")
    return PRACTICE if settings.sandbox else LIVE


async def executions(
    client: Any, settings: VenueSettings, opened: Callable[[], None]
) -> AsyncGenerator[OrderReport | Fill, None]:
    """Fills and order updates as they are told. Raises VenueUnavailable when the stream or its key ends."""
    what = "the user stream"
    url = f"{root(settings)}/private/ws?listenKey={await _listen_key(client)}"
    socket = await JsonSocket.open(client.session, url, what, heartbeat_s=settings.heartbeat_s)
    keeper = asyncio.create_task(_keep_key(client, socket, settings.key_refresh_s))
    try:
        opened()
        while True:
            message = await socket.receive()
            kind = message.get("e")
            if kind in _ENDED:
                raise VenueUnavailable(f"{what}: ended by the exchange ({kind})")
            if kind == "ORDER_TRADE_UPDATE":
                for execution in answers.executions(message):
                    yield execution
    finally:
        await _stop([keeper])
        await socket.close()


async def _listen_key(client: Any) -> str:
    """A key for the user stream. Asked anew at each start: a socket on an expired key connects and stays silent."""
    try:
        return Answer("the listen key", await client.fapiPrivatePostListenKey()).text("listenKey")
    except ccxt.BaseError as error:
        raise VenueUnavailable(f"the user stream: no key ({redacted(str(error))})") from None


async def _keep_key(client: Any, socket: JsonSocket, every_s: float) -> None:
    """Prolongs the key. A failure closes the socket: without a key it would go silent, not break."""
    try:
        while True:
            await asyncio.sleep(every_s)
            await client.fapiPrivatePutListenKey()
    except Exception:
        await socket.close()


async def prices(client: Any, settings: VenueSettings, symbols: tuple[str, ...]) -> AsyncGenerator[Market, None]:
    """Best prices, marks and funding of the symbols, the newest of each. Raises VenueUnavailable."""
    board = PriceBoard(symbols)
    books = _book_pump(client, settings, symbols, board)
    marks = _mark_pump(client, settings, symbols, board)
    pumps = [asyncio.create_task(_reporting(pump, board)) for pump in (books, marks)]
    try:
        while True:
            yield await board.newest()
    finally:
        await _stop(pumps)


async def _reporting(pump: Coroutine[Any, Any, None], board: PriceBoard) -> None:
    """Runs a pump; its end is an error of the reader."""
    try:
        await pump
    except Exception as error:
        board.fail(error if isinstance(error, VenueUnavailable) else VenueUnavailable(f"the prices: {error!r}"))


async def _book_pump(client: Any, settings: VenueSettings, symbols: tuple[str, ...], board: PriceBoard) -> None:
    url = f"{root(settings)}/public/ws"
    socket = await JsonSocket.open(client.session, url, "the best prices", heartbeat_s=settings.heartbeat_s)
    async with contextlib.aclosing(_subscribed(socket, [f"{symbol.lower()}@bookTicker" for symbol in symbols])) as told:
        async for message in told:
            if message.get("e") == "bookTicker":
                board.set_book(*answers.book_update(message))


async def _mark_pump(client: Any, settings: VenueSettings, symbols: tuple[str, ...], board: PriceBoard) -> None:
    url, silence = f"{root(settings)}/market/ws", settings.price_silence_s
    heartbeat = settings.heartbeat_s
    socket = await JsonSocket.open(client.session, url, "the mark prices", heartbeat_s=heartbeat, silence_s=silence)
    names = [f"{symbol.lower()}@markPrice@1s" for symbol in symbols]
    async with contextlib.aclosing(_subscribed(socket, names)) as told:
        async for message in told:
            if message.get("e") == "markPriceUpdate":
                board.set_mark(*answers.mark_update(message))


async def _subscribed(socket: JsonSocket, names: list[str]) -> AsyncGenerator[dict[str, Any], None]:
    """The messages of the named streams; a subscription that is refused raises. Closes the socket at the end."""
    try:
        await socket.send({"method": "SUBSCRIBE", "params": names, "id": 1})
        while True:
            message = await socket.receive()
            if "error" in message or message.get("code") is not None:
                raise VenueUnavailable(f"{socket.what}: refused ({redacted(str(message))})")
            yield message
    finally:
        await socket.close()


async def _stop(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
