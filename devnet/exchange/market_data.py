"""Public REST: what is listed and at which prices."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

from devnet.exchange.engine import Engine
from devnet.exchange.errors import VenueError
from devnet.exchange.market import Market
from devnet.exchange.orders import OrderType, Side, TimeInForce
from devnet.exchange.params import Params
from devnet.exchange.symbols import SymbolSpec
from devnet.exchange.user_events import text

HOUR_MS = 3_600_000
PERPETUAL_DELIVERY_MS = 4133404800000


class MarketData:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def ping(self, params: Params) -> object:
        return {}

    def time(self, params: Params) -> object:
        return {"serverTime": self._engine.now_ms()}

    def exchange_info(self, params: Params) -> object:
        return {
            "timezone": "UTC",
            "serverTime": self._engine.now_ms(),
            "futuresType": "U_MARGINED",
            "rateLimits": [
                {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400},
                {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1200},
            ],
            "exchangeFilters": [],
            "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-10000"}],
            "symbols": [listing(market.spec) for market in self._engine.markets.values()],
        }

    def book_ticker(self, params: Params) -> object:
        return self._one_or_all(params, book_ticker)

    def day_ticker(self, params: Params) -> object:
        return self._one_or_all(params, day_ticker)

    def price_ticker(self, params: Params) -> object:
        return self._one_or_all(params, price_ticker)

    def premium_index(self, params: Params) -> object:
        return self._one_or_all(params, lambda market: premium_index(market, self._engine.next_funding_ms))

    def funding_info(self, params: Params) -> object:
        return [
            {
                "symbol": name,
                "adjustedFundingRateCap": "0.02",
                "adjustedFundingRateFloor": "-0.02",
                "fundingIntervalHours": max(1, self._engine.funding_interval_ms // HOUR_MS),
                "disclaimer": False,
            }
            for name in self._engine.markets
        ]

    def funding_rate(self, params: Params) -> object:
        symbol = params.optional("symbol")
        start, end = params.optional_integer("startTime"), params.optional_integer("endTime")
        chosen = [
            paid
            for paid in self._engine.funding_history
            if symbol in (None, paid.symbol) and within(paid.due_ms, start, end)
        ]
        limit = params.limit(most=1000)
        return [
            {
                "symbol": paid.symbol,
                "fundingTime": paid.due_ms,
                "fundingRate": text(paid.rate),
                "markPrice": text(paid.mark),
            }
            for paid in (chosen[:limit] if start is not None else chosen[-limit:])
        ]

    def depth(self, params: Params) -> object:
        market = self._engine.market(params.text("symbol"))
        sides = {"bids": Side.SELL, "asks": Side.BUY}
        levels = {name: [[text(p), text(q)] for p, q in market.shown_book(taker)] for name, taker in sides.items()}
        price = market.price
        return {"lastUpdateId": price.update_id, "E": price.changed_ms, "T": price.changed_ms, **levels}

    def klines(self, params: Params) -> object:
        market = self._engine.market(params.text("symbol"))
        interval = params.text("interval")
        if interval not in ("1m", "1s"):
            raise VenueError(-1120)
        kept, last_ms = (market.price.candles, 59_999) if interval == "1m" else (market.price.seconds, 999)
        start, end = params.optional_integer("startTime"), params.optional_integer("endTime")
        candles = [c for c in kept if within(c.open_ms, start, end)]
        limit = params.limit(most=1500)
        chosen = candles[:limit] if start is not None else candles[-limit:]
        return [
            [
                c.open_ms, text(c.open), text(c.high), text(c.low), text(c.close), text(c.volume),
                c.open_ms + last_ms, text(c.quote_volume), c.moves, text(c.volume / 2), text(c.quote_volume / 2), "0",
            ]
            for c in chosen
        ]  # fmt: skip

    def _one_or_all(self, params: Params, render: Callable[[Market], dict[str, object]]) -> object:
        symbol = params.optional("symbol")
        if symbol is not None:
            return render(self._engine.market(symbol))
        return [render(market) for market in self._engine.markets.values()]


def within(time_ms: int, start_ms: int | None, end_ms: int | None) -> bool:
    """Inclusive on both ends; None is open."""
    return (start_ms is None or time_ms >= start_ms) and (end_ms is None or time_ms <= end_ms)


def listing(spec: SymbolSpec) -> dict[str, object]:
    return {
        "symbol": spec.name,
        "pair": spec.name,
        "contractType": "PERPETUAL",
        "deliveryDate": PERPETUAL_DELIVERY_MS,
        "onboardDate": 1569398400000,
        "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": spec.base,
        "quoteAsset": spec.quote,
        "marginAsset": spec.quote,
        "pricePrecision": spec.price_decimals,
        "quantityPrecision": spec.quantity_decimals,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "orderTypes": names(OrderType),
        "timeInForce": names(TimeInForce),
        "filters": filters(spec),
    }


def names(kind: Iterable[OrderType | TimeInForce]) -> list[str]:
    return [member.value for member in kind]


def filters(spec: SymbolSpec) -> list[dict[str, object]]:
    smallest, step = text(spec.min_quantity), text(spec.step)
    return [
        {"filterType": "PRICE_FILTER", "minPrice": text(spec.tick), "maxPrice": "4529764", "tickSize": text(spec.tick)},
        {"filterType": "LOT_SIZE", "minQty": smallest, "maxQty": text(spec.max_quantity), "stepSize": step},
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": smallest,
            "maxQty": text(spec.market_max_quantity),
            "stepSize": step,
        },
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
        {"filterType": "MIN_NOTIONAL", "notional": text(spec.min_notional)},
    ]


def book_ticker(market: Market) -> dict[str, object]:
    quantity = text(market.fills.level_quantity)
    return {
        "symbol": market.spec.name,
        "bidPrice": text(market.price.bid),
        "bidQty": quantity,
        "askPrice": text(market.price.ask),
        "askQty": quantity,
        "time": market.price.changed_ms,
        "lastUpdateId": market.price.update_id,
    }


def day_ticker(market: Market) -> dict[str, object]:
    day = market.price.day
    change = day.close - day.open
    average = day.quote_volume / day.volume if day.volume else day.close
    return {
        "symbol": market.spec.name,
        "priceChange": text(change),
        "priceChangePercent": text((change * 100 / day.open).quantize(Decimal("0.001"))),
        "weightedAvgPrice": text(average.quantize(market.spec.tick)),
        "lastPrice": text(day.close),
        "lastQty": text(market.spec.step),
        "openPrice": text(day.open),
        "highPrice": text(day.high),
        "lowPrice": text(day.low),
        "volume": text(day.volume),
        "quoteVolume": text(day.quote_volume),
        "openTime": day.open_ms,
        "closeTime": market.price.changed_ms,
        "firstId": 1,
        "lastId": max(1, day.moves),
        "count": day.moves,
    }


def price_ticker(market: Market) -> dict[str, object]:
    return {"symbol": market.spec.name, "price": text(market.price.mid), "time": market.price.changed_ms}


def premium_index(market: Market, next_funding_ms: int) -> dict[str, object]:
    mark = text(market.price.mark)
    return {
        "symbol": market.spec.name,
        "markPrice": mark,
        "indexPrice": mark,
        "estimatedSettlePrice": mark,
        "lastFundingRate": text(market.funding_rate),
        "interestRate": "0.00010000",
        "nextFundingTime": next_funding_ms,
        "time": market.price.changed_ms,
    }
