"""Signed REST on the account: balances, positions, leverage, income."""

from __future__ import annotations

from decimal import Decimal

from devnet.exchange.account import Income, Position, money
from devnet.exchange.engine import Engine
from devnet.exchange.errors import VenueError
from devnet.exchange.ledger import MAKER_RATE, TAKER_RATE
from devnet.exchange.market_data import within
from devnet.exchange.params import Params
from devnet.exchange.symbols import SymbolSpec
from devnet.exchange.trading import page
from devnet.exchange.user_events import text


class Holdings:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._account = engine.account

    def account(self, params: Params) -> object:
        totals = self._totals()
        assets = [{"asset": "USDT", "marginAvailable": True, **totals, "updateTime": self._engine.now_ms()}]
        held = ("initialMargin", "maintMargin", "walletBalance", "unrealizedProfit", "marginBalance")
        return {
            "feeTier": 0,
            "canTrade": True,
            "canDeposit": True,
            "canWithdraw": True,
            "multiAssetsMargin": False,
            "updateTime": self._engine.now_ms(),
            **{f"total{name[0].upper()}{name[1:]}": totals[name] for name in held},
            "totalPositionInitialMargin": totals["positionInitialMargin"],
            "totalOpenOrderInitialMargin": totals["openOrderInitialMargin"],
            "totalCrossWalletBalance": totals["crossWalletBalance"],
            "totalCrossUnPnl": totals["crossUnPnl"],
            "availableBalance": totals["availableBalance"],
            "maxWithdrawAmount": totals["maxWithdrawAmount"],
            "assets": assets,
            "positions": [
                self._position(name) for name, position in self._account.positions.items() if position.quantity
            ],
        }

    def balance(self, params: Params) -> object:
        totals = self._totals()
        return [
            {
                "accountAlias": "paper",
                "asset": "USDT",
                "balance": totals["walletBalance"],
                "crossWalletBalance": totals["crossWalletBalance"],
                "crossUnPnl": totals["crossUnPnl"],
                "availableBalance": totals["availableBalance"],
                "maxWithdrawAmount": totals["maxWithdrawAmount"],
                "marginAvailable": True,
                "updateTime": self._engine.now_ms(),
            }
        ]

    def position_risk(self, params: Params) -> object:
        """Version 3: only symbols with a position or an open order, and no leverage."""
        wanted = self._symbols(params)
        live = {order.symbol for order in self._engine.orders.open()}
        return [self._position(name) for name in wanted if self._account.positions[name].quantity or name in live]

    def position_risk_with_leverage(self, params: Params) -> object:
        """Version 2: every symbol, with leverage and margin type."""
        return [self._position(name) | self._settings(name) for name in self._symbols(params)]

    def leverage_bracket(self, params: Params) -> object:
        rows = [bracket_fields(self._engine.market(name).spec) for name in self._symbols(params)]
        return rows[0] if "symbol" in params else rows

    def symbol_config(self, params: Params) -> object:
        return [
            {
                "symbol": name,
                "isAutoAddMargin": False,
                **self._settings(name),
                "marginType": "ISOLATED" if self._account.positions[name].isolated else "CROSSED",
                "leverage": self._account.positions[name].leverage,
            }
            for name in self._symbols(params)
        ]

    def set_leverage(self, params: Params) -> object:
        spec = self._engine.market(params.text("symbol")).spec
        leverage = params.integer("leverage")
        if not 1 <= leverage <= spec.max_leverage:
            raise VenueError(-4028, f"Leverage {leverage} is not valid")
        self._account.positions[spec.name].leverage = leverage
        cap = text(spec.notional_cap(leverage))
        return {"symbol": spec.name, "leverage": leverage, "maxNotionalValue": cap}

    def set_margin_type(self, params: Params) -> object:
        symbol, kind = self._engine.market(params.text("symbol")).spec.name, params.text("marginType")
        if kind not in ("ISOLATED", "CROSSED"):
            raise VenueError(-1130, "Data sent for parameter 'marginType' is not valid.")
        position = self._account.positions[symbol]
        if position.isolated == (kind == "ISOLATED"):
            raise VenueError(-4046)
        if position.quantity:
            raise VenueError(-4048)
        if self._engine.orders.open(symbol):
            raise VenueError(-4047)
        position.isolated = kind == "ISOLATED"
        return {"code": 200, "msg": "success"}

    def position_mode(self, params: Params) -> object:
        return {"dualSidePosition": False}

    def set_position_mode(self, params: Params) -> object:
        if params.flag("dualSidePosition"):
            raise VenueError(-1130, "Data sent for parameter 'dualSidePosition' is not valid.")
        raise VenueError(-4059)

    def multi_assets_mode(self, params: Params) -> object:
        return {"multiAssetsMargin": False}

    def commission_rate(self, params: Params) -> object:
        symbol = self._engine.market(params.text("symbol")).spec.name
        return {"symbol": symbol, "makerCommissionRate": text(MAKER_RATE), "takerCommissionRate": text(TAKER_RATE)}

    def income(self, params: Params) -> object:
        """Wallet movements in order of time, from startTime on, else the latest."""
        symbol, kind = params.optional("symbol"), params.optional("incomeType")
        start, end = params.optional_integer("startTime"), params.optional_integer("endTime")
        entries = [
            entry
            for entry in self._account.income
            if symbol in (None, entry.symbol) and kind in (None, entry.kind) and within(entry.time_ms, start, end)
        ]
        return [income_fields(entry) for entry in page(entries, params.limit(default=100), start is None)]

    def _symbols(self, params: Params) -> list[str]:
        symbol = params.optional("symbol")
        return list(self._engine.markets) if symbol is None else [self._engine.market(symbol).spec.name]

    def _settings(self, symbol: str) -> dict[str, object]:
        position, spec = self._account.positions[symbol], self._engine.markets[symbol].spec
        return {
            "leverage": str(position.leverage),
            "marginType": "isolated" if position.isolated else "cross",
            "maxNotionalValue": text(spec.notional_cap(position.leverage)),
        }

    def _totals(self) -> dict[str, object]:
        open_orders = self._engine.orders.open()
        margins = [self._account.margin(name, open_orders) for name in self._engine.markets]
        by_position = sum((m.position for m in margins), Decimal(0))
        by_orders = sum((m.orders for m in margins), Decimal(0))
        wallet, unrealised = text(self._account.wallet), text(self._account.unrealised())
        available = text(self._account.available(open_orders))
        maintenance = sum((self._account.maintenance_margin(name) for name in self._engine.markets), Decimal(0))
        return {
            "walletBalance": wallet,
            "unrealizedProfit": unrealised,
            "marginBalance": text(self._account.margin_balance()),
            "maintMargin": text(maintenance),
            "initialMargin": text(by_position + by_orders),
            "positionInitialMargin": text(by_position),
            "openOrderInitialMargin": text(by_orders),
            "crossWalletBalance": wallet,
            "crossUnPnl": unrealised,
            "availableBalance": available,
            "maxWithdrawAmount": available,
        }

    def _position(self, symbol: str) -> dict[str, object]:
        position, mark = self._account.positions[symbol], self._account.mark_of(symbol)
        margin = self._account.margin(symbol, self._engine.orders.open())
        unrealised = text(position.unrealised(mark))
        return {
            "symbol": symbol,
            "positionSide": "BOTH",
            "positionAmt": text(position.quantity),
            "entryPrice": entry_price(position),
            "breakEvenPrice": entry_price(position),
            "markPrice": text(mark),
            "unRealizedProfit": unrealised,
            "unrealizedProfit": unrealised,
            "liquidationPrice": text(self._account.liquidation_price(symbol)),
            "isolatedMargin": "0",
            "isolatedWallet": "0",
            "notional": text(position.quantity * mark),
            "marginAsset": "USDT",
            "initialMargin": text(margin.position + margin.orders),
            "maintMargin": text(self._account.maintenance_margin(symbol)),
            "positionInitialMargin": text(margin.position),
            "openOrderInitialMargin": text(margin.orders),
            "adl": 0,
            "bidNotional": "0",
            "askNotional": "0",
            "updateTime": position.updated_ms,
        }


def entry_price(position: Position) -> str:
    return text(money(position.entry_price))


def bracket_fields(spec: SymbolSpec) -> dict[str, object]:
    return {
        "symbol": spec.name,
        "notionalCoef": 1.0,
        "brackets": [
            {
                "bracket": b.number,
                "initialLeverage": b.leverage,
                "notionalCap": int(b.cap),
                "notionalFloor": int(b.floor),
                "maintMarginRatio": float(b.maintenance_ratio),
                "cum": float(b.cum),
            }
            for b in spec.brackets
        ],
    }


def income_fields(entry: Income) -> dict[str, object]:
    return {
        "symbol": entry.symbol,
        "incomeType": entry.kind,
        "income": text(entry.amount),
        "asset": "USDT",
        "info": entry.trade_id or entry.kind,
        "time": entry.time_ms,
        "tranId": entry.tran_id,
        "tradeId": entry.trade_id,
    }
