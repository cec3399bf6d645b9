"""The Muon network over HTTP: the bases are asked in turn until one gives a usable answer."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import aiohttp
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from hedger.adapters.muon import answers
from hedger.adapters.muon.answers import Question
from hedger.adapters.muon.port import MuonAnswerInvalid, MuonUnavailable
from hedger.adapters.muon.signatures import (
    PairUpnlAndPriceSig,
    PairUpnlSig,
    SettlementSig,
    SingleUpnlAndPriceSig,
    SingleUpnlSig,
)

APP = "symmio"
SERVER_ERROR = 500

Signature = TypeVar("Signature")


class MuonClient:
    """Implements `Muon` for one diamond on one chain.

    Each base is asked up to `rounds` times, one after the other, with a pause of `pause_s` before each new round; a
    base that answered is the first to be asked next time. So a call lasts at most
    rounds * (bases * timeout_s + pause_s) seconds, and ends with the error of the base asked last.
    """

    def __init__(
        self,
        bases: Sequence[str],
        *,
        diamond: str,
        chain_id: int,
        session: aiohttp.ClientSession,
        timeout_s: float,
        rounds: int = 2,
        pause_s: float = 1.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        if not bases:
            raise ValueError("no Muon base given")
        self._bases = tuple(bases)
        self._common = {"chainId": str(chain_id), "symmio": diamond}
        self._session = session
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._rounds, self._pause_s, self._sleep = rounds, pause_s, sleep
        self._preferred = 0

    async def upnl_b(self, party_b: str, party_a: str) -> SingleUpnlSig:
        question = self._question("uPnl_B", partyB=party_b, partyA=party_a)
        return await self._ask(question, answers.single_upnl)

    async def upnl(self, party_b: str, party_a: str) -> PairUpnlSig:
        question = self._question("uPnl", partyB=party_b, partyA=party_a)
        return await self._ask(question, answers.pair_upnl)

    async def upnl_with_price(self, party_b: str, party_a: str, symbol_id: int) -> PairUpnlAndPriceSig:
        question = self._question("uPnlWithSymbolPrice", partyB=party_b, partyA=party_a, symbolId=str(symbol_id))
        return await self._ask(question, answers.pair_upnl_and_price)

    async def upnl_a_with_price(self, party_a: str, symbol_id: int) -> SingleUpnlAndPriceSig:
        question = self._question("uPnl_A_withSymbolPrice", partyA=party_a, symbolId=str(symbol_id))
        return await self._ask(question, answers.single_upnl_and_price)

    async def settle_upnl(self, party_a: str) -> SettlementSig:
        return await self._ask(self._question("settle_upnl", partyA=party_a), answers.settlement)

    def _question(self, method: str, **params: str) -> Question:
        return Question(method, params | self._common)

    async def _ask(self, question: Question, parse: Callable[[Question, bytes], Signature]) -> Signature:
        order = itertools.count(self._preferred)

        async def ask_next_base() -> Signature:
            base = next(order) % len(self._bases)
            signature = parse(question, await self._get(self._bases[base], question))
            self._preferred = base
            return signature

        retrying = AsyncRetrying(
            stop=stop_after_attempt(self._rounds * len(self._bases)),
            wait=self._wait_s,
            retry=retry_if_exception(_another_base_may_answer),
            sleep=self._sleep,
            reraise=True,
        )
        return await retrying(ask_next_base)

    async def _get(self, base: str, question: Question) -> bytes:
        query = {"app": APP, "method": question.method}
        query |= {f"params[{name}]": value for name, value in question.params.items()}
        try:
            async with self._session.get(base, params=query, timeout=self._timeout) as response:
                body = await response.read()
        except TimeoutError as error:
            raise MuonUnavailable(f"{base}: no answer within {self._timeout.total} s") from error
        except aiohttp.ClientError as error:
            raise MuonUnavailable(f"{base}: {error}") from error
        if response.status >= SERVER_ERROR:
            raise MuonUnavailable(f"{base}: HTTP {response.status}")
        return body

    def _wait_s(self, state: RetryCallState) -> float:
        """No pause while there are bases not asked in this round."""
        return self._pause_s if state.attempt_number % len(self._bases) == 0 else 0.0


def _another_base_may_answer(error: BaseException) -> bool:
    if isinstance(error, MuonAnswerInvalid):
        return error.field != "error.message"
    return isinstance(error, MuonUnavailable)
