"""A chain node that loses logs: what asks it is answered by the node behind it, without the logs it hides."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson
from aiohttp import web

from hedger.adapters.chain.abi import interface

HOST = "127.0.0.1"


class LossyRpc:
    """`async with LossyRpc(upstream) as rpc:` serves JSON-RPC at `rpc.url`. `withheld` counts the logs it hid."""

    def __init__(self, upstream: str) -> None:
        self.url, self.withheld = "", 0
        self._upstream = upstream
        self._hidden: frozenset[str] = frozenset()
        self._exit = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._session = await self._exit.enter_async_context(aiohttp.ClientSession())
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/", self._answer)
        runner = web.AppRunner(app)
        await runner.setup()
        self._exit.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, HOST, 0)
        await site.start()
        self.url = f"http://{HOST}:{runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit.aclose()

    @asynccontextmanager
    async def hiding(self, name: str) -> AsyncIterator[None]:
        """Logs of the contract's event of this name, in all its forms, are not told within this block."""
        events = [event for event in interface("symmio").events.values() if event.name == name]
        self._hidden, self.withheld = frozenset(event.topic for event in events), 0
        try:
            yield
        finally:
            self._hidden = frozenset()

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {"Content-Type": "application/json"}
        async with self._session.post(self._upstream, data=body, headers=headers) as response:
            raw, status = await response.read(), response.status
        return web.Response(body=self._without(raw), status=status, content_type="application/json")

    def _without(self, raw: bytes) -> bytes:
        if not self._hidden:
            return raw
        answers = orjson.loads(raw)
        for answer in answers if isinstance(answers, list) else [answers]:
            if isinstance(answer.get("result"), list):
                answer["result"] = [each for each in answer["result"] if not self._hides(each)]
        return orjson.dumps(answers)

    def _hides(self, log: Any) -> bool:
        hidden = isinstance(log, dict) and bool(log.get("topics")) and log["topics"][0] in self._hidden
        self.withheld += hidden
        return hidden
