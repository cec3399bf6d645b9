"""Muon signatures for calls: asked for when needed, or ahead while an order is still working at the venue."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import structlog

from hedger.adapters.chain.rpc import RpcFailure
from hedger.adapters.muon import Muon, MuonError, PairUpnlAndPriceSig, PairUpnlSig, SettlementSig, SingleUpnlSig
from hedger.application.sending.chain import Chain, PairNonces
from hedger.application.sending.encoding import NEED_BOTH, NEED_PAIR, NEED_UPNL, Signatures
from hedger.application.sending.settings import Observe, Refused, SenderSettings
from hedger.domain.reverts import RevertAction
from hedger.domain.terms import CallKind
from hedger.domain.transactions import Call

S = TypeVar("S")

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Held:
    """A signature asked for ahead, the nonces read before it was made, and when it was at hand."""

    pair: PairUpnlAndPriceSig
    nonces: PairNonces
    at_s: float


class SigningAhead:
    """Gets the signatures of a call. One for each (PartyA, symbol) may be held; it is used once."""

    def __init__(
        self,
        muon: Muon,
        chain: Chain,
        settings: SenderSettings,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        observe: Observe,
    ) -> None:
        self._muon, self._chain, self._settings = muon, chain, settings
        self._clock, self._sleep, self._observe = clock, sleep, observe
        self._held: dict[tuple[str, int], asyncio.Task[_Held | None]] = {}

    def prefetch(self, party_a: str, symbol_id: int) -> None:
        """Ask for the pair's signature now, so that it is at hand when the call comes. Failures are not told."""
        self._forget_stale()
        if (party_a, symbol_id) not in self._held:
            self._held[party_a, symbol_id] = asyncio.create_task(self._ahead(party_a, symbol_id))

    async def signatures(
        self, call: Call, party_a: str, symbol_id: int, nonces: Callable[[], Awaitable[PairNonces]]
    ) -> Signatures:
        """Every signature of a call, asked for side by side. Raises Refused where Muon does not give them.

        `nonces` tells today's, asked for only where a signature is held whose nonces must be compared.
        """
        kind = call.kind
        held = await self._take_held(party_a, symbol_id, nonces) if kind in NEED_PAIR else None
        try:
            async with asyncio.TaskGroup() as group:
                upnl = group.create_task(self._upnl(kind, party_a))
                pair = group.create_task(self._pair(kind, party_a, symbol_id, held))
                both = group.create_task(self._both(kind, party_a))
        except* Refused as refused:
            raise refused.exceptions[0] from None
        return Signatures(upnl.result(), pair.result(), both.result(), held=held is not None)

    async def settlement(self, party_a: str) -> SettlementSig:
        """What a settlement with PartyA takes. Raises Refused."""
        return await self._asked("settle_upnl", lambda: self._muon.settle_upnl(party_a))

    async def close(self) -> None:
        """Give up what is asked for ahead."""
        tasks = list(self._held.values())
        self._held.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _upnl(self, kind: CallKind, party_a: str) -> SingleUpnlSig | None:
        if kind not in NEED_UPNL:
            return None
        return await self._asked("upnl_b", lambda: self._muon.upnl_b(self._chain.party_b, party_a))

    async def _pair(
        self, kind: CallKind, party_a: str, symbol_id: int, held: PairUpnlAndPriceSig | None
    ) -> PairUpnlAndPriceSig | None:
        if kind not in NEED_PAIR:
            return None
        if held is not None:
            return held
        return await self._asked(
            "upnl_with_price", lambda: self._muon.upnl_with_price(self._chain.party_b, party_a, symbol_id)
        )

    async def _both(self, kind: CallKind, party_a: str) -> PairUpnlSig | None:
        if kind not in NEED_BOTH:
            return None
        return await self._asked("upnl", lambda: self._muon.upnl(self._chain.party_b, party_a))

    async def _asked(self, method: str, ask: Callable[[], Awaitable[S]]) -> S:
        """Bounded: a Muon network that is away is the policy's matter, which waits and asks again."""
        for attempt in range(1, self._settings.muon_attempts + 1):
            try:
                return await ask()
            except MuonError as error:
                self._observe("muon_failed", method=method)
                logger.warning("muon gave no signature", method=method, attempt=attempt, error=str(error))
                failure = str(error)
            if attempt < self._settings.muon_attempts:
                await self._sleep(self._settings.muon_pause_s)
        raise Refused("signature", f"Muon: {failure}", RevertAction.WAIT)

    async def _ahead(self, party_a: str, symbol_id: int) -> _Held | None:
        try:
            # The nonces first: read afterwards, they might be newer than those that were signed.
            standing = await self._chain.standing(party_a)
            pair = await self._muon.upnl_with_price(self._chain.party_b, party_a, symbol_id)
        except (MuonError, RpcFailure) as error:
            logger.info("no signature ahead", party_a=party_a, error=str(error))
            return None
        return _Held(pair, standing.nonces, self._clock())

    async def _take_held(
        self, party_a: str, symbol_id: int, nonces: Callable[[], Awaitable[PairNonces]]
    ) -> PairUpnlAndPriceSig | None:
        task = self._held.pop((party_a, symbol_id), None)
        held = await task if task is not None else None
        if held is None or self._is_stale(held) or held.nonces != await nonces():
            return None
        return held.pair

    def _is_stale(self, held: _Held) -> bool:
        return self._clock() - held.at_s > self._settings.held_signature_s

    def _forget_stale(self) -> None:
        for key, task in list(self._held.items()):
            if task.done() and ((held := task.result()) is None or self._is_stale(held)):
                del self._held[key]
