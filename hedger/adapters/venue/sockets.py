"""A WebSocket of JSON messages that ends with VenueUnavailable, whatever broke it.

ccxt.pro's `watch_...` methods are not used: they keep only the last state of an order between two awaits, wake for one
symbol of several, and stay silent when a user stream's key has expired. Here each message is handed on as it came.
"""

import asyncio
from typing import Any, Self

import aiohttp
import orjson

from hedger.adapters.venue.port import VenueAnswerInvalid, VenueUnavailable

_MAX_MESSAGE_BYTES = 4 * 1024 * 1024
_CONNECT_S = 10
_OVER = (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


class JsonSocket:
    """One open socket. Its address may hold a key and is in no error."""

    def __init__(self, what: str, socket: aiohttp.ClientWebSocketResponse, silence_s: float | None) -> None:
        self.what, self._socket, self._silence_s = what, socket, silence_s

    @classmethod
    async def open(
        cls, session: Any, url: str, what: str, *, heartbeat_s: float, silence_s: float | None = None
    ) -> Self:
        """`silence_s`: the longest time between two messages of a healthy stream, None where it may be quiet."""
        try:
            async with asyncio.timeout(_CONNECT_S):
                socket = await session.ws_connect(url, heartbeat=heartbeat_s, max_msg_size=_MAX_MESSAGE_BYTES)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise VenueUnavailable(f"{what}: no connection ({type(error).__name__})") from None
        return cls(what, socket, silence_s)

    async def send(self, message: object) -> None:
        try:
            await self._socket.send_str(orjson.dumps(message).decode())
        except (aiohttp.ClientError, OSError) as error:
            raise VenueUnavailable(f"{self.what}: broken ({type(error).__name__})") from None

    async def receive(self) -> dict[str, Any]:
        """The next JSON object; other messages break the stream."""
        try:
            async with asyncio.timeout(self._silence_s):  # aiohttp's own time-out starts anew with each pong
                message = await self._socket.receive()
        except TimeoutError:
            raise VenueUnavailable(f"{self.what}: silent for {self._silence_s} s") from None
        if message.type in _OVER:
            raise VenueUnavailable(f"{self.what}: closed ({self._socket.close_code})")
        try:
            decoded = orjson.loads(message.data)
        except orjson.JSONDecodeError:
            raise VenueAnswerInvalid(self.what, "the JSON", repr(message.data)) from None
        if not isinstance(decoded, dict):
            raise VenueAnswerInvalid(self.what, "the object", repr(message.data))
        return decoded

    async def close(self) -> None:
        await self._socket.close()
