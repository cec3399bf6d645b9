"""Every quote on chain, read once a block, for all the scenes that wait for one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from devnet.contract_abi import Abi
from devnet.rpc import JsonRpc, RpcError
from devnet.traders import QuoteOnChain
from hedger.domain.terms import QuoteStatus

POLL_S = 0.1
PATIENCE_S = 45.0


class SceneFailed(Exception):
    """What a scene waited for did not come; the text says what was there instead."""


class QuoteWatch:
    """The quotes of one diamond by id, as of the latest block, whose time is `now`. Those that came to their end are
    not read again."""

    def __init__(self, rpc: JsonRpc, diamond: str) -> None:
        self.quotes: dict[int, QuoteOnChain] = {}
        self.head = ""
        self.now = 0
        self._rpc, self._diamond = rpc, diamond
        self._abi = Abi.load("symmio")
        self._news = asyncio.Condition()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the chain within this block."""
        task = asyncio.create_task(self._follow())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def until(
        self, quote_id: int, wanted: Callable[[QuoteOnChain], bool], what: str, *, patience_s: float = PATIENCE_S
    ) -> QuoteOnChain:
        """The quote as soon as it is as wanted. Raises SceneFailed."""

        def fits() -> bool:
            quote = self.quotes.get(quote_id)
            return quote is not None and wanted(quote)

        try:
            async with asyncio.timeout(patience_s), self._news:
                await self._news.wait_for(fits)
        except TimeoutError:
            raise SceneFailed(f"quote {quote_id} is {self.describe(quote_id)}, {what} was expected") from None
        return self.quotes[quote_id]

    async def until_status(self, quote_id: int, *statuses: QuoteStatus) -> QuoteOnChain:
        names = " or ".join(status.name for status in statuses)
        return await self.until(quote_id, lambda quote: quote.status in statuses, names)

    async def until_later_than(self, time_s: int) -> None:
        """Returns once the latest block is later than this time."""
        async with self._news:
            await self._news.wait_for(lambda: self.now > time_s)

    async def child_of(self, quote_id: int) -> QuoteOnChain:
        """The quote that was split off this one, as soon as there is one. Raises SceneFailed."""

        def children() -> list[QuoteOnChain]:
            return [quote for quote in self.quotes.values() if quote.parent_id == quote_id]

        try:
            async with asyncio.timeout(PATIENCE_S), self._news:
                await self._news.wait_for(lambda: bool(children()))
        except TimeoutError:
            raise SceneFailed(f"quote {quote_id} ({self.describe(quote_id)}) has no child") from None
        return children()[0]

    def describe(self, quote_id: int) -> str:
        quote = self.quotes.get(quote_id)
        return quote.status.name if quote is not None else "not on chain"

    async def read_all(self) -> None:
        """Read every quote anew, also the ended ones: after a reorganisation, and for the verdict."""
        self.quotes = {}
        await self._read()

    async def _follow(self) -> None:
        while True:
            # A node in the middle of a reorganisation may not know its own head; the next look finds another one.
            with contextlib.suppress(RpcError):
                await self._look()
            await asyncio.sleep(POLL_S)

    async def _look(self) -> None:
        head = await self._rpc.call("eth_getBlockByNumber", "latest", False)
        if head["hash"] != self.head:
            self.now = int(head["timestamp"], 16)
            await self._read()
            self.head = head["hash"]

    async def _read(self) -> None:
        last_id, get = self._abi["getNextQuoteId"], self._abi["getQuote"]
        [last] = last_id.decode(await self._rpc.eth_call(self._diamond, last_id.calldata()))
        unknown = [each for each in range(1, last + 1) if not self._has_ended(each)]
        answers = await self._rpc.eth_calls([(self._diamond, get.calldata(each)) for each in unknown])
        for quote_id, answer in zip(unknown, answers, strict=True):
            [struct] = get.decode(answer)
            self.quotes[quote_id] = QuoteOnChain.from_struct(struct)
        async with self._news:
            self._news.notify_all()

    def _has_ended(self, quote_id: int) -> bool:
        quote = self.quotes.get(quote_id)
        return quote is not None and quote.status.is_terminal
