"""WebSocket connections: subscriptions to public streams, and the user data stream with its faults."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field

import orjson
from aiohttp import WSMsgType, web

from devnet.exchange.listen_keys import ListenKeys
from devnet.exchange.public_streams import FAST, SLOW, PublicStreams

QUEUE_SIZE = 10_000


@dataclass(eq=False)
class Connection:
    """One socket; messages wait in a bounded queue, and a client that lets it fill is cut off."""

    socket: web.WebSocketResponse
    user: bool = False
    wrapped: bool = False
    streams: set[str] = field(default_factory=set)
    queue: asyncio.Queue[str | None] = field(default_factory=lambda: asyncio.Queue(QUEUE_SIZE))

    def send(self, message: object) -> None:
        if self.queue.full():
            self.close()
        else:
            self.queue.put_nowait(orjson.dumps(message).decode())

    def finish(self) -> None:
        """End once everything that waits is sent."""
        if self.queue.full():
            self.close()
        else:
            self.queue.put_nowait(None)

    def close(self) -> None:
        """End now: what still waits is lost."""
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)

    async def pump(self) -> None:
        """Carry the queue to the client until closed."""
        while (text := await self.queue.get()) is not None:
            await self.socket.send_str(text)
        await self.socket.close()


@dataclass
class UserStreamFaults:
    """`swallow` and `duplicate` count the messages still to lose or to send twice; None means without end."""

    swallow: int | None = 0
    duplicate: int | None = 0

    def copies(self) -> int:
        """How often the next message goes out."""
        if self.swallow is None or self.swallow > 0:
            self.swallow = None if self.swallow is None else self.swallow - 1
            return 0
        if self.duplicate is None or self.duplicate > 0:
            self.duplicate = None if self.duplicate is None else self.duplicate - 1
            return 2
        return 1


class SocketHub:
    def __init__(self, streams: PublicStreams, keys: ListenKeys) -> None:
        self._streams, self._keys = streams, keys
        self._connections: set[Connection] = set()
        self.user_faults = UserStreamFaults()

    # what goes out

    def tell_user(self, event: dict[str, object]) -> None:
        """A user data event to every user connection, as the faults allow."""
        users = [connection for connection in self._connections if connection.user]
        for _ in range(self.user_faults.copies() if users else 0):
            for connection in users:
                connection.send(event)

    def publish(self, *, slow: bool, changed: str | None = None) -> None:
        """Present prices to the subscribers; the once-a-second channels only when `slow`."""
        channels = FAST | SLOW if slow else FAST
        cache: dict[str, list[object]] = {}
        for connection in self._connections:
            for name in connection.streams:
                if name not in cache:
                    cache[name] = self._streams.messages(name, channels, changed)
                for message in cache[name]:
                    connection.send({"stream": name, "data": message} if connection.wrapped else message)

    def drop_user_streams(self) -> int:
        """Close every user connection; the listen key stays good."""
        users = [connection for connection in self._connections if connection.user]
        for connection in users:
            connection.close()
        return len(users)

    def expire_user_streams(self, now_ms: int) -> None:
        """The listen key has run out: say so and close."""
        self._keys.expire()
        for connection in self._connections:
            if connection.user:
                connection.send({"e": "listenKeyExpired", "E": now_ms})
                connection.finish()

    def close_all(self) -> None:
        for connection in self._connections:
            connection.close()

    def counts(self) -> dict[str, int]:
        """Connections by kind, and public subscriptions over all of them."""
        users = sum(connection.user for connection in self._connections)
        subscriptions = sum(len(connection.streams) for connection in self._connections)
        return {"user": users, "public": len(self._connections) - users, "subscriptions": subscriptions}

    # what comes in

    async def user_stream(self, request: web.Request) -> web.StreamResponse:
        key = request.query.get("listenKey") or request.match_info.get("tail")
        if not self._keys.is_valid(key):
            return web.json_response({"code": -1125, "msg": "This listenKey does not exist."}, status=401)
        return await self._serve(request, Connection(web.WebSocketResponse(), user=True))

    async def public_stream(self, request: web.Request) -> web.StreamResponse:
        """/ws, /ws/<number> (subscribe by message) and /ws/<stream name>."""
        tail = request.match_info.get("tail", "")
        if self._keys.is_valid(tail):
            return await self.user_stream(request)
        streams = {tail} if self._streams.is_known(tail) else set()
        return await self._serve(request, Connection(web.WebSocketResponse(), streams=streams))

    async def combined_stream(self, request: web.Request) -> web.StreamResponse:
        """/stream?streams=a/b: every message wrapped with the name of its stream."""
        named = request.query.get("streams", "").split("/")
        streams = {name for name in named if self._streams.is_known(name)}
        return await self._serve(request, Connection(web.WebSocketResponse(), wrapped=True, streams=streams))

    async def _serve(self, request: web.Request, connection: Connection) -> web.StreamResponse:
        await connection.socket.prepare(request)
        self._connections.add(connection)
        pump = asyncio.create_task(connection.pump())
        try:
            async for message in connection.socket:
                if message.type is WSMsgType.TEXT:
                    connection.send(self._command(connection, message.data))
        finally:
            self._connections.discard(connection)
            pump.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await pump
        return connection.socket

    def _command(self, connection: Connection, text: str) -> dict[str, object]:
        """Carry out SUBSCRIBE, UNSUBSCRIBE or LIST_SUBSCRIPTIONS; returns the answer."""
        try:
            command = orjson.loads(text)
            method, names, number = command["method"], command.get("params", []), command.get("id")
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            return {"error": {"code": 3, "msg": "Invalid JSON"}, "id": None}
        if method == "LIST_SUBSCRIPTIONS":
            return {"result": sorted(connection.streams), "id": number}
        if method not in ("SUBSCRIBE", "UNSUBSCRIBE"):
            return {"error": {"code": 2, "msg": f"Invalid request: unknown method {method}"}, "id": number}
        return self._subscribe(connection, names, number, wanted=method == "SUBSCRIBE")

    def _subscribe(
        self, connection: Connection, names: Iterable[str], number: object, *, wanted: bool
    ) -> dict[str, object]:
        chosen = {str(name) for name in names}
        if not all(self._streams.is_known(name) for name in chosen):
            return {"error": {"code": 2, "msg": "Invalid request: invalid stream"}, "id": number}
        connection.streams = connection.streams | chosen if wanted else connection.streams - chosen
        return {"result": None, "id": number}
