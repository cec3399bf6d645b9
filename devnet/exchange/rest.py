"""The REST face: routes, security, faults, and every refusal as the exchange's JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from enum import Enum

import orjson
from aiohttp import web

from devnet.exchange.auth import Credentials
from devnet.exchange.clock import Clock
from devnet.exchange.engine import Engine
from devnet.exchange.errors import VenueError
from devnet.exchange.faults import Fault, FaultBook, FaultKind
from devnet.exchange.holdings import Holdings
from devnet.exchange.listen_keys import ListenKeys
from devnet.exchange.market_data import MarketData
from devnet.exchange.params import Params
from devnet.exchange.trading import Trading

Handler = Callable[[Params], object]
NEW_ORDER = ("POST", "/fapi/v1/order")


class Security(Enum):
    NONE = "none"
    KEY = "key"
    SIGNED = "signed"


Routes = dict[tuple[str, str], tuple[Security, Handler]]


def routes(market: MarketData, trading: Trading, holdings: Holdings, keys: ListenKeys) -> Routes:
    """Every (method, path) with how it is secured and who answers."""
    public: dict[str, Handler] = {
        "v1/ping": market.ping,
        "v1/time": market.time,
        "v1/exchangeInfo": market.exchange_info,
        "v1/ticker/bookTicker": market.book_ticker,
        "v1/ticker/24hr": market.day_ticker,
        "v1/ticker/price": market.price_ticker,
        "v2/ticker/price": market.price_ticker,
        "v1/premiumIndex": market.premium_index,
        "v1/fundingInfo": market.funding_info,
        "v1/fundingRate": market.funding_rate,
        "v1/depth": market.depth,
        "v1/klines": market.klines,
    }
    by_key: dict[str, Handler] = {
        "POST v1/listenKey": keys.create,
        "PUT v1/listenKey": keys.keep_alive,
        "DELETE v1/listenKey": keys.close,
    }
    signed: dict[str, Handler] = {
        "POST v1/order": trading.create,
        "GET v1/order": trading.query,
        "DELETE v1/order": trading.cancel,
        "PUT v1/order": trading.amend,
        "GET v1/openOrder": trading.query_open,
        "GET v1/openOrders": trading.open_orders,
        "DELETE v1/allOpenOrders": trading.cancel_all,
        "GET v1/allOrders": trading.all_orders,
        "GET v1/userTrades": trading.user_trades,
        "GET v3/account": holdings.account,
        "GET v2/account": holdings.account,
        "GET v3/balance": holdings.balance,
        "GET v2/balance": holdings.balance,
        "GET v3/positionRisk": holdings.position_risk,
        "GET v2/positionRisk": holdings.position_risk_with_leverage,
        "GET v1/leverageBracket": holdings.leverage_bracket,
        "GET v1/symbolConfig": holdings.symbol_config,
        "POST v1/leverage": holdings.set_leverage,
        "POST v1/marginType": holdings.set_margin_type,
        "GET v1/positionSide/dual": holdings.position_mode,
        "POST v1/positionSide/dual": holdings.set_position_mode,
        "GET v1/multiAssetsMargin": holdings.multi_assets_mode,
        "GET v1/commissionRate": holdings.commission_rate,
        "GET v1/income": holdings.income,
    }
    table: Routes = {("GET", f"/fapi/{path}"): (Security.NONE, handler) for path, handler in public.items()}
    for security, named in ((Security.KEY, by_key), (Security.SIGNED, signed)):
        for name, handler in named.items():
            method, path = name.split()
            table[method, f"/fapi/{path}"] = (security, handler)
    return table


class Rest:
    """Answers every request under /fapi. The request and the client order id of a new order are counted when they
    arrive, whatever comes of them; then a fault may strike. A handler itself
    runs without interruption, so each request is executed whole or not at all."""

    def __init__(
        self, engine: Engine, keys: ListenKeys, credentials: Credentials, clock: Clock, faults: FaultBook
    ) -> None:
        self.trading = Trading(engine)
        self.requests: Counter[str] = Counter()
        self.seen_client_ids: Counter[str] = Counter()
        self._routes = routes(MarketData(engine), self.trading, Holdings(engine), keys)
        self._credentials, self._clock, self._faults = credentials, clock, faults

    async def answer(self, request: web.Request) -> web.StreamResponse:
        query, body = request.rel_url.raw_query_string, await request.text()
        params = Params.parse(query, body)
        self.requests[f"{request.method} {request.path}"] += 1
        if (request.method, request.path) == NEW_ORDER and "newClientOrderId" in params:
            self.seen_client_ids[params.text("newClientOrderId")] += 1
        fault = self._faults.take(request.method, request.path, params)
        if fault is None:
            return self._execute(request, query, body, params)
        return await self._strike(fault, request, query, body, params)

    async def _strike(
        self, fault: Fault, request: web.Request, query: str, body: str, params: Params
    ) -> web.StreamResponse:
        late = fault.kind in (FaultKind.DELAY_ANSWER, FaultKind.LOSE_ANSWER, FaultKind.REFUSE_AFTER)
        if not late:
            await self._clock.sleep(fault.seconds)
        if fault.kind is FaultKind.REFUSE:
            return refused(fault.refusal())
        if fault.kind is FaultKind.LOSE_REQUEST:
            return cut(request)
        response = self._execute(request, query, body, params)
        if late:
            await self._clock.sleep(fault.seconds)
        if fault.kind is FaultKind.LOSE_ANSWER:
            return cut(request)
        return refused(fault.refusal()) if fault.kind is FaultKind.REFUSE_AFTER else response

    def _execute(self, request: web.Request, query: str, body: str, params: Params) -> web.Response:
        try:
            if (request.method, request.path) not in self._routes:
                raise VenueError(-5000, f"Path {request.path}, Method {request.method} is invalid")
            security, handler = self._routes[request.method, request.path]
            self._check(security, request.headers.get("X-MBX-APIKEY"), query, body, params)
            return answered(handler(params), used=self.requests.total())
        except VenueError as error:
            return refused(error)

    def _check(self, security: Security, key: str | None, query: str, body: str, params: Params) -> None:
        if security is Security.KEY:
            self._credentials.check_key(key)
        if security is Security.SIGNED:
            self._credentials.check_signed(key, query, body, params, self._clock.now_ms())


def answered(content: object, used: int) -> web.Response:
    headers = {"X-MBX-USED-WEIGHT-1M": str(used)}
    return web.Response(body=orjson.dumps(content), content_type="application/json", headers=headers)


def refused(error: VenueError) -> web.Response:
    headers = {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
    body = orjson.dumps(error.body())
    return web.Response(body=body, status=error.status, content_type="application/json", headers=headers)


def cut(request: web.Request) -> web.Response:
    """Close the connection under the client; the response goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
