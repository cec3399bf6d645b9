"""The port `Venue` of one process, over the exchange that outlives it."""

import asyncio
from collections.abc import AsyncIterator

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
    VenueOrder,
    VenueUnavailable,
)
from hedger.domain.venue_cash import VenuePosition
from tests.simulation.faults import Weather
from tests.simulation.model_rpc import Gate
from tests.simulation.model_state import WAD
from tests.simulation.model_venue import LIFETIME_MS, ModelVenue
from tests.simulation.virtual_time import VirtualLoop

ANSWER_WITHIN_S = 3.0


class VenuePort:
    """Requests travel on their own: one that has left arrives although the process has died."""

    name = "model"
    request_lifetime_ms = LIFETIME_MS

    def __init__(self, loop: VirtualLoop, venue: ModelVenue, weather: Weather, gate: Gate) -> None:
        self._loop, self._venue, self._weather, self._gate = loop, venue, weather, gate

    async def place(self, order: VenueOrder) -> Accepted | Refused | Unknown:
        self._gate()
        if self._weather.happens(self._weather.rate_limited):
            return Refused(client_order_id=order.client_order_id, code="rate_limited", reason="too fast")
        answer: asyncio.Future[Accepted | Refused] = self._loop.create_future()
        sent_s, weather = self._loop.time(), self._weather
        if not weather.happens(weather.place_lost) and not self._is_away():
            late = weather.happens(weather.place_late)
            delay = weather.random.uniform(2.0, 8.0) if late else weather.takes(weather.venue_slow_s / 2)
            self._loop.call_later(delay, self._arrive, order, sent_s, answer)
        return await self._answered(order.client_order_id, answer)

    def _arrive(self, order: VenueOrder, sent_s: float, answer: "asyncio.Future[Accepted | Refused]") -> None:
        outcome = self._venue.arrive(order, sent_s)
        if outcome is not None:
            self._send_back(answer, outcome)

    async def cancel(self, symbol: str, client_order_id: str) -> Accepted | Refused | Unknown:
        self._gate()
        answer: asyncio.Future[Accepted | Refused] = self._loop.create_future()
        if not self._weather.happens(self._weather.place_lost) and not self._is_away():
            delay = self._weather.takes(self._weather.venue_slow_s / 2)
            self._loop.call_later(delay, lambda: self._send_back(answer, self._venue.cancel(client_order_id)))
        return await self._answered(client_order_id, answer)

    async def find(self, symbol: str, client_order_id: str) -> OrderReport | NotFound:
        await self._asked()
        found = self._venue.find(client_order_id)
        await self._told()
        return found or NotFound(client_order_id=client_order_id, at_ms=self._venue.now_ms())

    async def fills(self, symbol: str, *, venue_order_id: str | None = None, since_ms: int | None = None) -> list[Fill]:
        await self._asked()
        found = self._venue.fills_of(venue_order_id or "")
        await self._told()
        return found

    async def positions(self) -> dict[str, int]:
        await self._asked()
        return dict(self._venue.positions)

    async def margin(self) -> Margin:
        await self._asked()
        return Margin(wallet=self._venue.wallet.balance, available=10**6 * WAD)

    async def holdings(self) -> list[VenuePosition]:
        await self._asked()
        return self._venue.wallet.valued(self._venue.mids)

    async def income(self, since_ms: int) -> list[Income]:
        await self._asked()
        found = [movement for movement in self._venue.wallet.income if movement.at_ms >= since_ms]
        await self._told()
        return found

    async def rules(self) -> dict[str, SymbolRules]:
        await self._asked()
        return self._venue.rules()

    async def markets(self) -> dict[str, Market]:
        await self._asked()
        return {symbol: self._venue.market(symbol) for symbol in self._venue.mids}

    async def funding_rates(self, symbol: str, since_ms: int) -> list[FundingSettled]:
        await self._asked()
        return []

    async def time_ms(self) -> int:
        await self._asked()
        return self._venue.now_ms()

    async def executions(self) -> AsyncIterator[OrderReport | Fill]:
        self._gate()
        if self._is_away():
            raise VenueUnavailable("no stream")
        told: asyncio.Queue[OrderReport | Fill] = asyncio.Queue()
        self._venue.listeners.append(told.put_nowait)
        try:
            while True:
                item = await told.get()
                self._gate()
                if self._weather.happens(self._weather.stream_breaks):
                    raise VenueUnavailable("the stream broke")
                yield item
        finally:
            self._venue.listeners.remove(told.put_nowait)

    async def prices(self) -> AsyncIterator[Market]:
        while True:
            self._gate()
            if self._is_away():
                raise VenueUnavailable("no prices")
            for symbol in self._venue.mids:
                yield self._venue.market(symbol)
            await asyncio.sleep(1.0)

    async def close(self) -> None:
        return

    # --- the way there and back

    def _is_away(self) -> bool:
        return self._weather.is_away("venue", self._loop.time())

    async def _asked(self) -> None:
        self._gate()
        await asyncio.sleep(self._weather.takes(self._weather.venue_slow_s / 2))
        self._gate()
        if self._is_away() or self._weather.happens(self._weather.find_fails):
            raise VenueUnavailable("no answer")

    async def _told(self) -> None:
        await asyncio.sleep(self._weather.takes(self._weather.venue_slow_s / 2))
        self._gate()

    def _send_back(self, answer: "asyncio.Future[Accepted | Refused]", outcome: Accepted | Refused) -> None:
        if self._weather.happens(self._weather.answer_lost):
            return
        self._loop.call_later(self._weather.takes(self._weather.venue_slow_s / 2), _resolve, answer, outcome)

    async def _answered(
        self, client_order_id: str, answer: "asyncio.Future[Accepted | Refused]"
    ) -> Accepted | Refused | Unknown:
        done, _ = await asyncio.wait([answer], timeout=ANSWER_WITHIN_S)
        self._gate()
        return answer.result() if done else Unknown(client_order_id=client_order_id, reason="no answer in time")


def _resolve(answer: "asyncio.Future[Accepted | Refused]", outcome: Accepted | Refused) -> None:
    if not answer.done():
        answer.set_result(outcome)
