"""The Venue port over ccxt: orders through its unified calls, answers read strictly from what the exchange sent."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from typing import Any, Self, TypeVar

import ccxt

from hedger.adapters.venue.binance import BinanceUsdm
from hedger.adapters.venue.client import build_client, open_session
from hedger.adapters.venue.dialect import Account, Dialect
from hedger.adapters.venue.outcomes import CLOCK, NOT_FOUND, RATE_LIMITED, VenueRateLimited, Verdict, judge, redacted
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
    VenueAnswerInvalid,
    VenueOrder,
    VenueUnavailable,
)
from hedger.adapters.venue.settings import VenueSettings
from hedger.domain import money
from hedger.domain.terms import OrderType
from hedger.domain.venue_cash import VenuePosition

T = TypeVar("T")
DIALECTS: dict[str, Callable[[], Dialect]] = {"binanceusdm": BinanceUsdm}
CLOCK_SAMPLES = 3
MAX_AHEAD_MS = 1_000  # how far ahead of the exchange's clock a request may be stamped and still be taken


class CcxtVenue:
    """One account at one exchange. Open with `open`, end with `close`."""

    def __init__(self, client: Any, dialect: Dialect, settings: VenueSettings, clock_ms: Callable[[], int]) -> None:
        self.name = settings.exchange
        self.request_lifetime_ms = settings.recv_window_ms + MAX_AHEAD_MS
        self.listening = asyncio.Event()  # set while the user stream is connected
        self.settings = settings
        self._client, self._dialect, self._clock_ms = client, dialect, clock_ms
        self._unified: dict[str, str] = {}
        self._rules: dict[str, SymbolRules] = {}
        self._offset_ms = 0  # the venue's clock less ours
        self._blocked_until_ms = 0
        self._budget = settings.order_budget()

    @classmethod
    async def open(cls, settings: VenueSettings, *, clock_ms: Callable[[], int]) -> Self:
        """Connects, sets the clock and loads the listings. Raises VenueUnavailable; ValueError without a dialect."""
        if settings.exchange not in DIALECTS:
            raise ValueError(f"no dialect for the exchange {settings.exchange!r}")
        dialect = DIALECTS[settings.exchange]()
        client = build_client(settings, clock_ms)
        dialect.prepare(client)
        venue = cls(client, dialect, settings, clock_ms)
        try:
            await open_session(client)
            await venue.sync_clock()
            await venue.rules()
        except BaseException:
            await venue.close()
            raise
        return venue

    async def place(self, order: VenueOrder) -> Accepted | Refused | Unknown:
        refusal = self._refusal(order)
        if refusal is not None:
            return Refused(client_order_id=order.client_order_id, code=refusal.code, reason=refusal.reason)
        self._budget.note(self._clock_ms())
        is_limit = order.order_type is OrderType.LIMIT
        call = self._client.create_order(
            self._unified[order.symbol],
            "limit" if is_limit else "market",
            order.side.value,
            money.to_text(order.quantity),
            money.to_text(order.limit_price) if is_limit else None,
            {"clientOrderId": order.client_order_id} | ({"reduceOnly": True} if order.reduce_only else {}),
        )
        outcome = await self._act(order.symbol, order.client_order_id, call)
        if isinstance(outcome, Accepted):
            return outcome
        if outcome.refused:
            return Refused(client_order_id=order.client_order_id, code=outcome.code, reason=outcome.reason)
        return Unknown(client_order_id=order.client_order_id, reason=f"{outcome.code}: {outcome.reason}")

    async def cancel(self, symbol: str, client_order_id: str) -> Accepted | Refused | Unknown:
        """As in the port; a cancel that was refused for another reason than "no such order" is Unknown."""
        blocked = self._blocked_for_ms()
        if blocked:
            return Unknown(client_order_id=client_order_id, reason=f"{RATE_LIMITED}: retry after {blocked} ms")
        unified = self._unified.get(symbol)
        if unified is None:
            return Unknown(client_order_id=client_order_id, reason=f"unknown_symbol: {symbol}")
        call = self._client.cancel_order(None, unified, {"clientOrderId": client_order_id})
        outcome = await self._act(symbol, client_order_id, call)
        if isinstance(outcome, Accepted):
            return outcome
        if outcome.code == NOT_FOUND:
            return Refused(client_order_id=client_order_id, code=outcome.code, reason=outcome.reason)
        return Unknown(client_order_id=client_order_id, reason=f"{outcome.code}: {outcome.reason}")

    async def find(self, symbol: str, client_order_id: str) -> OrderReport | NotFound:
        async def ask() -> OrderReport | NotFound:
            try:
                order = await self._client.fetch_order(None, unified, {"clientOrderId": client_order_id})
            except ccxt.BaseError as error:
                if judge(error, self._dialect.meaning_of).code != NOT_FOUND:
                    raise
                return NotFound(client_order_id=client_order_id, at_ms=self._venue_now_ms())
            return self._dialect.report(order["info"], symbol, client_order_id)

        unified = self._known(symbol)
        return await self._ask("the order", ask)

    async def fills(self, symbol: str, *, venue_order_id: str | None = None, since_ms: int | None = None) -> list[Fill]:
        """As in the port; without an order and a time those of the last seven days."""
        self._known(symbol)
        now = self._venue_now_ms()

        def ask() -> Awaitable[list[Fill]]:
            which = venue_order_id
            return self._dialect.fills(self._client, symbol, venue_order_id=which, since_ms=since_ms, now_ms=now)

        return await self._ask("the trades", ask)

    async def positions(self) -> dict[str, int]:
        """Every position of the account; the configured symbols are always there, flat ones as 0."""
        held = await self._ask("the positions", lambda: self._dialect.positions(self._client))
        return dict.fromkeys(self._unified, 0) | held

    async def holdings(self) -> list[VenuePosition]:
        return await self._ask("the positions", lambda: self._dialect.holdings(self._client))

    async def income(self, since_ms: int) -> list[Income]:
        return await self._ask("the income", lambda: self._dialect.income(self._client, since_ms))

    async def margin(self) -> Margin:
        asset = self.settings.quote_asset
        return await self._ask("the margin", lambda: self._dialect.margin(self._client, asset))

    async def rules(self) -> dict[str, SymbolRules]:
        """Loads the listings anew. Configured symbols that cannot be traded now are left out.

        Their orders and trades can still be asked for: a symbol that is halted may hold a position."""
        await self._ask("the listings", lambda: self._client.load_markets(True))
        listings = {symbol: self._dialect.listing(self._client, symbol) for symbol in self.settings.symbols}
        listed = {symbol: listing for symbol, listing in listings.items() if listing is not None}
        self._unified = {symbol: listing.unified for symbol, listing in listed.items()}
        self._rules = {symbol: listing.rules for symbol, listing in listed.items() if listing.rules is not None}
        return dict(self._rules)

    async def markets(self) -> dict[str, Market]:
        """Prices of the configured symbols that are listed. One that is missing makes the answer invalid."""
        told = await self._ask("the prices", lambda: self._dialect.markets(self._client))
        missing = [symbol for symbol in self._unified if symbol not in told]
        if missing:
            raise VenueAnswerInvalid("the prices", ", ".join(missing), repr(sorted(told)))
        return {symbol: told[symbol] for symbol in self._unified}

    async def funding_rates(self, symbol: str, since_ms: int) -> list[FundingSettled]:
        self._known(symbol)
        return await self._ask("the funding rates", lambda: self._dialect.funding_rates(self._client, symbol, since_ms))

    async def time_ms(self) -> int:
        return await self._ask("the time", lambda: self._dialect.time_ms(self._client))

    async def account(self) -> Account:
        """What the key may do. Raises VenueUnavailable."""
        return await self._ask("the account", lambda: self._dialect.account(self._client))

    async def executions(self) -> AsyncGenerator[OrderReport | Fill, None]:
        told = self._dialect.executions(self._client, self.settings, self.listening.set)
        try:
            async with contextlib.aclosing(told) as stream:
                async for execution in stream:
                    yield execution
        finally:
            self.listening.clear()

    async def prices(self) -> AsyncGenerator[Market, None]:
        told = self._dialect.prices(self._client, self.settings, tuple(self._unified))
        async with contextlib.aclosing(told) as stream:
            async for market in stream:
                yield market

    async def sync_clock(self) -> int:
        """Measures the venue's clock against ours, by the fastest of a few answers. Returns its lead in ms."""
        samples = []
        for _ in range(CLOCK_SAMPLES):
            before = self._clock_ms()
            venue = await self.time_ms()
            after = self._clock_ms()
            samples.append((after - before, venue - (before + after) // 2))
        self._offset_ms = min(samples)[1]
        self._client.options["timeDifference"] = -self._offset_ms
        return self._offset_ms

    async def close(self) -> None:
        await self._client.close()

    def _refusal(self, order: VenueOrder) -> Verdict | None:
        """Orders that are not worth sending. A size off the step would be cut by ccxt without a word."""
        blocked = self._blocked_for_ms()
        if blocked:
            return Verdict(RATE_LIMITED, f"retry after {blocked} ms")
        wait_ms = self._budget.wait_ms(self._clock_ms(), opens=order.opens)
        if wait_ms:
            return Verdict(RATE_LIMITED, f"the order budget is used up for {wait_ms} ms")
        rules = self._rules.get(order.symbol)
        if rules is None:
            return Verdict("invalid", f"{order.symbol} is not traded here")
        if order.quantity <= 0 or order.quantity % rules.step:
            return Verdict("invalid", f"the quantity is no multiple of {money.to_text(rules.step)}")
        if order.order_type is OrderType.LIMIT and (order.limit_price <= 0 or order.limit_price % rules.tick):
            return Verdict("invalid", f"the price is no multiple of {money.to_text(rules.tick)}")
        return None

    async def _act(self, symbol: str, client_order_id: str, call: Awaitable[Any]) -> Accepted | Verdict:
        """Carries an order or a cancel out. After the time-out nothing of it waits in this process any more."""
        try:
            async with asyncio.timeout(self.settings.timeout_ms / 1000):
                answer = await call
            return self._dialect.accepted(answer["info"], symbol, client_order_id)
        except VenueAnswerInvalid as error:
            return Verdict("unclear", redacted(str(error)))
        except Exception as error:  # ccxt raises what it likes on an answer that it cannot read
            return await self._judged(error)

    async def _ask(self, what: str, question: Callable[[], Awaitable[T]]) -> T:
        """Asks; whatever goes wrong is VenueUnavailable, without the request's address and signature."""
        blocked = self._blocked_for_ms()
        if blocked:
            raise VenueRateLimited(what, blocked)
        try:
            return await question()
        except VenueUnavailable:
            raise
        except (ccxt.BaseError, TimeoutError) as error:
            verdict = await self._judged(error)
        except Exception as error:
            raise VenueAnswerInvalid(what, type(error).__name__, redacted(str(error))) from None
        if verdict.blocked:
            raise VenueRateLimited(what, self._blocked_for_ms())
        raise VenueUnavailable(f"{what}: {verdict.code} ({verdict.reason})")

    async def _judged(self, error: BaseException) -> Verdict:
        """The verdict, and what follows from it for the next request."""
        verdict = judge(error, self._dialect.meaning_of)
        if verdict.blocked:
            pause_s = verdict.retry_after_s
            pause_ms = round(1000 * (self.settings.default_retry_after_s if pause_s is None else pause_s))
            self._blocked_until_ms = max(self._blocked_until_ms, self._clock_ms() + pause_ms)
            return replace(verdict, reason=f"retry after {pause_ms} ms: {verdict.reason}")
        if verdict.code == CLOCK:
            with contextlib.suppress(VenueUnavailable):
                await self.sync_clock()
        return verdict

    def _blocked_for_ms(self) -> int:
        """How long the venue wants no request. Asking on turns a limit into a ban."""
        return max(0, self._blocked_until_ms - self._clock_ms())

    def _known(self, symbol: str) -> str:
        unified = self._unified.get(symbol)
        if unified is None:
            raise VenueUnavailable(f"{symbol} is not traded here")
        return unified

    def _venue_now_ms(self) -> int:
        return self._clock_ms() + self._offset_ms
