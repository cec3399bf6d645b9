"""A paper exchange in the dialect of Binance USD-M futures, for ccxt's own `binanceusdm` to trade on."""

from devnet.exchange.clock import Clock, ManualClock, SystemClock
from devnet.exchange.remote import ExchangeControl
from devnet.exchange.server import PaperExchange
from devnet.exchange.symbols import BTCUSDT, DEFAULT_SYMBOLS, ETHUSDT, SOLUSDT, SymbolSpec

__all__ = [
    "BTCUSDT",
    "DEFAULT_SYMBOLS",
    "ETHUSDT",
    "SOLUSDT",
    "Clock",
    "ExchangeControl",
    "ManualClock",
    "PaperExchange",
    "SymbolSpec",
    "SystemClock",
]
