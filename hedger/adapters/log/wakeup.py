"""What wakes the followers of the log: this process's own appends, the database's notifications, or the clock."""

import asyncio
import contextlib
from typing import Any

import psycopg
import structlog
from psycopg import sql

from hedger.adapters.log.writer import CONNECTION, LOST

RECONNECT_AFTER_S = 0.5

_log = structlog.get_logger(__name__)


class Wakeup:
    """The highest position known in this process, and a way to wait for a higher one."""

    def __init__(self) -> None:
        self._head = 0
        self._moved = asyncio.Event()

    def moved_to(self, head: int) -> None:
        """The log reaches at least to `head`."""
        if head > self._head:
            self._head = head
            self.look()

    def look(self) -> None:
        """Something may have been missed: everybody who waits is to read."""
        self._moved.set()
        self._moved = asyncio.Event()

    async def beyond(self, position: int, *, timeout_s: float) -> None:
        """Return when a position past `position` may be there, at the latest after `timeout_s`: read then."""
        if self._head > position:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._moved.wait()


async def listen(url: str, channel: str, wakeup: Wakeup) -> None:
    """Tell `wakeup` of every notified head, until cancelled. While the connection is away, followers live by their
    own polling."""
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(url, **CONNECTION) as connection:
                await _listen(connection, channel, wakeup)
        except LOST as error:
            _log.warning("log_listener_lost", error=str(error))
            await asyncio.sleep(RECONNECT_AFTER_S)


async def _listen(connection: psycopg.AsyncConnection[Any], channel: str, wakeup: Wakeup) -> None:
    await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
    wakeup.look()
    async for notification in connection.notifies():
        if notification.payload.isdecimal():
            wakeup.moved_to(int(notification.payload))
