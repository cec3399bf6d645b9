"""What the demo's exchanges list: the three symbols that everybody trades, and some that one scene has to itself,
because it moves their price, delists them, or changes their terms."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from devnet.exchange.symbols import DEFAULT_SYMBOLS, SOLUSDT, SymbolSpec

BTC, ETH, SOL = "BTCUSDT", "ETHUSDT", "SOLUSDT"
LTC, BNB, AVAX, DOT = "LTCUSDT", "BNBUSDT", "AVAXUSDT", "DOTUSDT"


def _like_sol(name: str, start_price: str) -> SymbolSpec:
    return replace(SOLUSDT, name=name, base=name.removesuffix("USDT"), start_price=Decimal(start_price), walk_ticks=1)


LISTED: Sequence[SymbolSpec] = (
    *DEFAULT_SYMBOLS,
    _like_sol(LTC, "100"),
    _like_sol(BNB, "600"),
    _like_sol(AVAX, "50"),
    _like_sol(DOT, "60"),
)
