"""A webhook on this machine that keeps what it is told, and may refuse or take its time."""

import asyncio
from types import TracebackType
from typing import Any, Self

from aiohttp import web


class Webhook:
    """`async with Webhook() as webhook:` listens at `webhook.address()`, an address of Apprise."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.status = 200
        self.delay_s = 0.0
        self.port = 0
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_post("/{any:.*}", self._take)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def address(self, user: str = "") -> str:
        return f"json://{user}127.0.0.1:{self.port}/alerts"

    async def close(self) -> None:
        """Listen no more."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _take(self, request: web.Request) -> web.Response:
        told = await request.json()
        await asyncio.sleep(self.delay_s)
        if self.status == 200:
            self.told.append(told)
        return web.Response(status=self.status)
