"""Watches HTTP requests leave: a stamp right before the body of an order or of a signed transaction is written."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import aiohttp

ORDER, TRANSACTION = "order", "transaction"
_ORDER_PATH = "/fapi/v1/order"

Leaving = Callable[[str, float], object]
"""Takes what leaves (ORDER or TRANSACTION) and when (`time.perf_counter`)."""


@contextmanager
def watched(leaving: Leaving) -> Iterator[None]:
    """Every HTTP session opened meanwhile tells what leaves it, whoever opens it."""

    async def chunk_sent(
        session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestChunkSentParams
    ) -> None:
        if params.method != "POST":
            return
        if params.url.path == _ORDER_PATH:
            leaving(ORDER, time.perf_counter())
        elif b"eth_sendRawTransaction" in params.chunk:
            leaving(TRANSACTION, time.perf_counter())

    trace = aiohttp.TraceConfig()
    trace.on_request_chunk_sent.append(chunk_sent)
    opened = aiohttp.ClientSession.__init__

    def opened_and_watched(self: aiohttp.ClientSession, *arguments: Any, **named: Any) -> None:
        opened(self, *arguments, trace_configs=[trace], **named)

    setattr(aiohttp.ClientSession, "__init__", opened_and_watched)  # noqa: B010
    try:
        yield
    finally:
        setattr(aiohttp.ClientSession, "__init__", opened)  # noqa: B010
