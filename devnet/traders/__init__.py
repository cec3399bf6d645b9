"""The traders of the local world."""

from devnet.traders.habits import Habits, Market
from devnet.traders.quotes import QuoteOnChain
from devnet.traders.random_trader import Done, random_trader
from devnet.traders.sub_account import SubAccountTrader
from devnet.traders.terms import CloseTerms, LockedPercents, LockedValues, QuoteTerms, with_slippage
from devnet.traders.trader import Trader
from devnet.traders.wallet import TransactionReverted, Wallet

__all__ = [
    "CloseTerms",
    "Done",
    "Habits",
    "LockedPercents",
    "LockedValues",
    "Market",
    "QuoteOnChain",
    "QuoteTerms",
    "SubAccountTrader",
    "Trader",
    "TransactionReverted",
    "Wallet",
    "random_trader",
    "with_slippage",
]
