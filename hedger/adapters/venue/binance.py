"""The dialect of Binance USD-M futures. Its market ids are the contract's symbol names."""

from collections.abc import AsyncGenerator, Callable
from typing import Any

from hedger.adapters.venue import binance_answers as answers
from hedger.adapters.venue import binance_codes, binance_income, binance_streams, binance_trades
from hedger.adapters.venue.dialect import Account, Listing
from hedger.adapters.venue.port import (
    Accepted,
    Fill,
    FundingSettled,
    Income,
    Margin,
    Market,
    OrderReport,
    VenueAnswerInvalid,
)
from hedger.adapters.venue.price_board import market
from hedger.adapters.venue.reading import Answer
from hedger.adapters.venue.settings import VenueSettings
from hedger.domain.venue_cash import VenuePosition

_MOST_RATES = 1_000


class BinanceUsdm:
    """Queries go to the endpoints themselves: ccxt's unified ones read floats, drop odd rows, or ask twice."""

    def prepare(self, client: Any) -> None:
        # ccxt picks these errors by the host of the exchange; on another host they would be lost.
        client.exceptions["exact"] = {**client.exceptions["exact"], **client.exceptions["linear"]["exact"]}

    def meaning_of(self, code: int) -> str | None:
        return binance_codes.meaning_of(code)

    def listing(self, client: Any, symbol: str) -> Listing | None:
        same_id = (client.markets_by_id or {}).get(symbol, [])
        found = [market for market in same_id if market["swap"] and market["linear"]]
        if len(found) > 1:
            raise VenueAnswerInvalid("the listings", symbol, repr([market["symbol"] for market in found]))
        return _listing(found[0], symbol) if found else None

    def accepted(self, raw: object, symbol: str, client_order_id: str) -> Accepted:
        return answers.accepted(raw, symbol, client_order_id)

    def report(self, raw: object, symbol: str, client_order_id: str) -> OrderReport:
        return answers.report(raw, symbol, client_order_id)

    async def fills(
        self, client: Any, symbol: str, *, venue_order_id: str | None, since_ms: int | None, now_ms: int
    ) -> list[Fill]:
        if venue_order_id is not None:
            return await binance_trades.of_order(client, symbol, venue_order_id)
        if since_ms is not None:
            return await binance_trades.since(client, symbol, since_ms, now_ms)
        return await binance_trades.since(client, symbol, now_ms - binance_trades.WEEK_MS, now_ms)

    async def positions(self, client: Any) -> dict[str, int]:
        return answers.positions(await client.fapiPrivateV3GetPositionRisk())

    async def holdings(self, client: Any) -> list[VenuePosition]:
        return answers.holdings(await client.fapiPrivateV3GetPositionRisk())

    async def income(self, client: Any, since_ms: int) -> list[Income]:
        return await binance_income.since(client, since_ms)

    async def margin(self, client: Any, asset: str) -> Margin:
        return answers.margin(await client.fapiPrivateV3GetAccount(), asset)

    async def markets(self, client: Any) -> dict[str, Market]:
        books = answers.books(await client.fapiPublicGetTickerBookTicker())
        marks = answers.marks(await client.fapiPublicGetPremiumIndex())
        return {symbol: market(symbol, books[symbol], marks[symbol]) for symbol in books.keys() & marks.keys()}

    async def funding_rates(self, client: Any, symbol: str, since_ms: int) -> list[FundingSettled]:
        asked = {"symbol": symbol, "startTime": since_ms, "limit": _MOST_RATES}
        return answers.funding_rates(await client.fapiPublicGetFundingRate(asked), symbol)

    async def time_ms(self, client: Any) -> int:
        return Answer("the time", await client.fapiPublicGetTime()).integer("serverTime")

    async def account(self, client: Any) -> Account:
        account = Answer("the account", await client.fapiPrivateV2GetAccount())
        mode = Answer("the position mode", await client.fapiPrivateGetPositionSideDual())
        return Account(can_trade=account.flag("canTrade"), one_way=not mode.flag("dualSidePosition"))

    def executions(
        self, client: Any, settings: VenueSettings, opened: Callable[[], None]
    ) -> AsyncGenerator[OrderReport | Fill, None]:
        return binance_streams.executions(client, settings, opened)

    def prices(self, client: Any, settings: VenueSettings, symbols: tuple[str, ...]) -> AsyncGenerator[Market, None]:
        return binance_streams.prices(client, settings, symbols)


def _listing(listed: Any, symbol: str) -> Listing:
    rules = answers.rules(listed["info"], symbol) if listed["active"] else None
    return Listing(str(listed["symbol"]), rules)
