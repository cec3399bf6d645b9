"""Answers from outside that could not be read: kept raw in the log and counted; what asked for them goes on as if
there had been no answer."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import structlog

from hedger.adapters.log.port import FactAlreadyRecorded
from hedger.adapters.muon import (
    Muon,
    MuonAnswerInvalid,
    MuonUnavailable,
    PairUpnlAndPriceSig,
    PairUpnlSig,
    SettlementSig,
    SingleUpnlSig,
)
from hedger.adapters.muon.signatures import SingleUpnlAndPriceSig
from hedger.adapters.venue.port import (
    Accepted,
    Fill,
    FundingSettled,
    Income,
    Margin,
    Market,
    NotFound,
    OrderReport,
    Refused,
    SymbolRules,
    Unknown,
    Venue,
    VenueAnswerInvalid,
    VenueOrder,
)
from hedger.application.ledger import Draft, Ledger
from hedger.domain.feed import InputRejected
from hedger.domain.venue_cash import VenuePosition

T = TypeVar("T")
logger = structlog.get_logger(__name__)

_QUIET_MS = 60_000


class RejectedInputs:
    """Records what could not be read, of one origin and field once a minute at the most; all are counted."""

    def __init__(
        self, ledger: Ledger, *, clock_ms: Callable[[], int], observe: Callable[[str], None] = lambda name: None
    ) -> None:
        self._ledger, self._clock_ms, self._observe = ledger, clock_ms, observe
        self._kept_at_ms: dict[tuple[str, str], int] = {}

    async def keep(self, origin: str, field: str, reason: str, raw: str) -> None:
        """Log, count and record one answer."""
        logger.error("input rejected", origin=origin, field=field, reason=reason)
        self._observe("input_rejected")
        now = self._clock_ms()
        if now - self._kept_at_ms.get((origin, field), -_QUIET_MS) < _QUIET_MS:
            return
        self._kept_at_ms[origin, field] = now
        told = InputRejected(origin=f"{origin} at {now}", field=field, reason=reason, raw=raw)
        feed = await self._ledger.feed()
        async with self._ledger.lock(feed.id):
            draft = Draft(await self._ledger.feed())
            draft.add([told])
            try:
                await self._ledger.save([draft], correlation_id="feed", causation_id=origin)
            except FactAlreadyRecorded:
                return


class WatchedVenue:
    """A venue whose unreadable answers are kept."""

    def __init__(self, venue: Venue, rejected: RejectedInputs) -> None:
        self._venue, self._rejected = venue, rejected
        self.name, self.request_lifetime_ms = venue.name, venue.request_lifetime_ms

    async def place(self, order: VenueOrder) -> Accepted | Refused | Unknown:
        return await self._venue.place(order)

    async def cancel(self, symbol: str, client_order_id: str) -> Accepted | Refused | Unknown:
        return await self._venue.cancel(symbol, client_order_id)

    async def find(self, symbol: str, client_order_id: str) -> OrderReport | NotFound:
        return await self._watched(self._venue.find(symbol, client_order_id))

    async def fills(self, symbol: str, *, venue_order_id: str | None = None, since_ms: int | None = None) -> list[Fill]:
        return await self._watched(self._venue.fills(symbol, venue_order_id=venue_order_id, since_ms=since_ms))

    async def positions(self) -> dict[str, int]:
        return await self._watched(self._venue.positions())

    async def holdings(self) -> list[VenuePosition]:
        return await self._watched(self._venue.holdings())

    async def income(self, since_ms: int) -> list[Income]:
        return await self._watched(self._venue.income(since_ms))

    async def margin(self) -> Margin:
        return await self._watched(self._venue.margin())

    async def rules(self) -> dict[str, SymbolRules]:
        return await self._watched(self._venue.rules())

    async def markets(self) -> dict[str, Market]:
        return await self._watched(self._venue.markets())

    async def funding_rates(self, symbol: str, since_ms: int) -> list[FundingSettled]:
        return await self._watched(self._venue.funding_rates(symbol, since_ms))

    async def time_ms(self) -> int:
        return await self._watched(self._venue.time_ms())

    async def executions(self) -> AsyncIterator[OrderReport | Fill]:
        try:
            async for item in self._venue.executions():
                yield item
        except VenueAnswerInvalid as error:
            await self._keep(error)
            raise

    async def prices(self) -> AsyncIterator[Market]:
        try:
            async for market in self._venue.prices():
                yield market
        except VenueAnswerInvalid as error:
            await self._keep(error)
            raise

    async def close(self) -> None:
        await self._venue.close()

    async def _watched(self, asked: Awaitable[T]) -> T:
        try:
            return await asked
        except VenueAnswerInvalid as error:
            await self._keep(error)
            raise

    async def _keep(self, error: VenueAnswerInvalid) -> None:
        await self._rejected.keep(f"{self.name}: {error.what}", error.field, str(error), error.raw)


class WatchedMuon:
    """An oracle whose unreadable answers are kept. `heard` is told of each question whether it was answered."""

    def __init__(
        self, muon: Muon, rejected: RejectedInputs, *, heard: Callable[[bool], None] = lambda answered: None
    ) -> None:
        self._muon, self._rejected, self._heard = muon, rejected, heard

    async def upnl_b(self, party_b: str, party_a: str) -> SingleUpnlSig:
        return await self._watched(self._muon.upnl_b(party_b, party_a))

    async def upnl(self, party_b: str, party_a: str) -> PairUpnlSig:
        return await self._watched(self._muon.upnl(party_b, party_a))

    async def upnl_with_price(self, party_b: str, party_a: str, symbol_id: int) -> PairUpnlAndPriceSig:
        return await self._watched(self._muon.upnl_with_price(party_b, party_a, symbol_id))

    async def upnl_a_with_price(self, party_a: str, symbol_id: int) -> SingleUpnlAndPriceSig:
        return await self._watched(self._muon.upnl_a_with_price(party_a, symbol_id))

    async def settle_upnl(self, party_a: str) -> SettlementSig:
        return await self._watched(self._muon.settle_upnl(party_a))

    async def _watched(self, asked: Awaitable[T]) -> T:
        try:
            answer = await asked
        except MuonUnavailable:
            self._heard(False)
            raise
        except MuonAnswerInvalid as error:
            self._heard(True)
            await self._rejected.keep("muon", error.field, str(error), error.raw)
            raise
        self._heard(True)
        return answer
