"""The WebSocket collector: told of each new head, it asks for that block's logs by block hash on the same socket.

Logs are never subscribed to: a reorganisation sends new heads without telling which logs are gone, and logs and heads
of one block come in no fixed order. What falls into a broken connection is for the sequencer to notice.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from hedger.adapters.chain.blocks import BlockSink, CollectedBlock, collected, header_of, logs_of
from hedger.adapters.chain.rpc_errors import MalformedAnswer, redacted
from hedger.domain.feed import BlockRef

COLLECTOR = "listener"

_SUBSCRIBE = 1
_LATEST = 2
_FIRST_LOGS = 3
_MAX_FRAME = 64 * 2**20
# Logs asked for and not answered yet; more means that the node does not keep up, and the oldest are given up.
_MAX_ASKED = 256

_log = structlog.get_logger(__name__)


class SubscriptionRefused(Exception):
    """The node does not tell new heads on this socket."""


class Listener:
    """Hands over each new block as soon as the node tells it, until cancelled; reconnects with growing pauses.

    Silence for `silence_s` counts as a broken connection. After each connecting the newest block is handed over, so
    that a gap shows at once. A block whose logs the socket does not give is left to the other collectors.
    """

    def __init__(
        self,
        url: str,
        diamond: str,
        sink: BlockSink,
        *,
        silence_s: float = 60.0,
        first_pause_s: float = 0.1,
        longest_pause_s: float = 10.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._url = url
        self._diamond = diamond.lower()
        self._sink = sink
        self._silence_s = silence_s
        self._first_pause_s = first_pause_s
        self._longest_pause_s = longest_pause_s
        self._sleep = sleep
        self.connections = 0

    async def run(self) -> None:
        """Listen until cancelled."""
        pause_s = self._first_pause_s
        while True:
            try:
                async with connect(self._url, max_size=_MAX_FRAME, compression=None) as socket:
                    self.connections += 1
                    heads = await self._listen(socket)
            except (OSError, TimeoutError, WebSocketException, SubscriptionRefused) as error:
                # The error's own text may hold the URL.
                heads = 0
                reason = str(error) if isinstance(error, SubscriptionRefused) else type(error).__name__
                _log.warning("no connection for new heads", endpoint=redacted(self._url), error=reason)
            pause_s = self._first_pause_s if heads else min(2 * pause_s, self._longest_pause_s)
            await self._sleep(pause_s)

    async def _listen(self, socket: ClientConnection) -> int:
        """Handle messages until the connection breaks; returns how many heads it told."""
        await socket.send(_request(_SUBSCRIBE, "eth_subscribe", "newHeads"))
        await socket.send(_request(_LATEST, "eth_getBlockByNumber", "latest", False))
        conversation = _Conversation(socket, self._diamond, self._sink)
        try:
            while True:
                async with asyncio.timeout(self._silence_s):
                    message = await socket.recv()
                await conversation.handle(message)
        except (OSError, TimeoutError, WebSocketException) as error:
            _log.warning("connection for new heads lost", endpoint=redacted(self._url), error=type(error).__name__)
        return conversation.heads


class _Conversation:
    """One connection: which logs were asked for, and under which request id."""

    def __init__(self, socket: ClientConnection, diamond: str, sink: BlockSink) -> None:
        self._socket = socket
        self._diamond = diamond
        self._sink = sink
        self._asked: OrderedDict[int, BlockRef] = OrderedDict()
        self._next_id = _FIRST_LOGS
        self.heads = 0

    async def handle(self, message: str | bytes) -> None:
        """One message of the node. Raises SubscriptionRefused, and what the sink raises."""
        try:
            block = await self._answered(orjson.loads(message))
        except (orjson.JSONDecodeError, MalformedAnswer, AttributeError, KeyError, TypeError) as error:
            _log.warning("a message of the node cannot be read", error=f"{type(error).__name__} {error}")
            return
        if block is not None:
            await self._sink(block)

    async def _answered(self, told: dict[str, Any]) -> CollectedBlock | None:
        """The block that this message completes, if it does."""
        if told.get("method") == "eth_subscription":
            self.heads += 1
            await self._ask_logs(header_of(told["params"]["result"]))
        elif told.get("id") == _LATEST:
            await self._ask_logs(header_of(told["result"]))
        elif told.get("id") != _SUBSCRIBE:
            return self._with_logs(told)
        elif "error" in told:
            raise SubscriptionRefused(str(told["error"].get("message", "")))
        return None

    async def _ask_logs(self, header: BlockRef) -> None:
        self._asked[self._next_id] = header
        wanted = {"blockHash": header.hash, "address": self._diamond}
        await self._socket.send(_request(self._next_id, "eth_getLogs", wanted))
        self._next_id += 1
        if len(self._asked) > _MAX_ASKED:
            self._asked.popitem(last=False)

    def _with_logs(self, told: dict[str, Any]) -> CollectedBlock | None:
        header = self._asked.pop(told.get("id", 0), None)
        if header is None:
            return None
        if "error" in told:
            message = str(told["error"].get("message", ""))
            _log.warning("logs of a new block are not given", block=header.hash, error=message)
            return None
        return collected(header, logs_of(told["result"], self._diamond), COLLECTOR)


def _request(request_id: int, method: str, *params: Any) -> str:
    return orjson.dumps({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}).decode()
