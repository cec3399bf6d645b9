"""The events of the user data stream, as Binance words them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from devnet.exchange.account import Account, Position
from devnet.exchange.orders import Order, Trade

ZERO = Decimal(0)


def text(number: Decimal) -> str:
    """A number as the exchange writes it: plain digits, never an exponent."""
    return format(number, "f")


def order_update(order: Order, execution_type: str, trade: Trade | None, now_ms: int) -> dict[str, object]:
    """ORDER_TRADE_UPDATE; with a trade, the fill's own fields are set."""
    fields: dict[str, object] = {
        "s": order.symbol,
        "c": order.client_order_id,
        "S": order.side.value,
        "o": order.request.type.value,
        "f": order.request.time_in_force.value,
        "q": text(order.quantity),
        "p": text(order.price),
        "ap": text(average(order)),
        "sp": "0",
        "x": execution_type,
        "X": order.status.value,
        "i": order.order_id,
        "l": text(trade.quantity if trade else ZERO),
        "z": text(order.executed),
        "L": text(trade.price if trade else ZERO),
        "T": order.updated_ms,
        "t": trade.trade_id if trade else 0,
        "b": "0",
        "a": "0",
        "m": trade.maker if trade else False,
        "R": order.request.reduce_only,
        "wt": "CONTRACT_PRICE",
        "ot": order.request.type.value,
        "ps": "BOTH",
        "cp": False,
        "rp": text(trade.realised if trade else ZERO),
        "pP": False,
        "si": 0,
        "ss": 0,
        "V": "EXPIRE_MAKER",
        "pm": "NONE",
        "gtd": 0,
    }
    if trade:
        fields |= {"n": text(trade.commission), "N": "USDT"}
    return {"e": "ORDER_TRADE_UPDATE", "E": now_ms, "T": order.updated_ms, "o": fields}


def average(order: Order) -> Decimal:
    """Average price as shown: rounded to eight decimals. Sums of money belong to the trades."""
    return order.average_price.quantize(Decimal("0.00000001"))


def account_update(account: Account, symbols: Iterable[str], reason: str, now_ms: int) -> dict[str, object]:
    """ACCOUNT_UPDATE with the balance and the positions of the symbols named."""
    wallet = text(account.wallet)
    positions = [position_fields(name, account.positions[name], account.mark_of(name)) for name in symbols]
    return {
        "e": "ACCOUNT_UPDATE",
        "E": now_ms,
        "T": now_ms,
        "a": {"m": reason, "B": [{"a": "USDT", "wb": wallet, "cw": wallet, "bc": "0"}], "P": positions},
    }


def position_fields(name: str, position: Position, mark: Decimal) -> dict[str, object]:
    return {
        "s": name,
        "pa": text(position.quantity),
        "ep": text(position.entry_price.quantize(Decimal("0.00000001"))),
        "bep": text(position.entry_price.quantize(Decimal("0.00000001"))),
        "cr": text(position.realised),
        "up": text(position.unrealised(mark)),
        "mt": "isolated" if position.isolated else "cross",
        "iw": "0",
        "ps": "BOTH",
        "ma": "USDT",
    }
