"""The newest prices of a set of symbols: written by streams, read by one consumer at its own pace."""

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

from hedger.adapters.venue.port import Market


class Book(NamedTuple):
    """Best bid and ask, wads; 0 where that side is empty."""

    bid: int
    ask: int
    at_ms: int


class Mark(NamedTuple):
    """Mark price and funding rate, wads."""

    price: int
    funding_rate: int
    next_funding_at_ms: int
    at_ms: int


def market(symbol: str, book: Book, mark: Mark) -> Market:
    """Both as one. A book stands until it changes, so the newer of the two times says how current it is."""
    return Market(
        symbol=symbol,
        bid=book.bid,
        ask=book.ask,
        mark=mark.price,
        funding_rate=mark.funding_rate,
        next_funding_at_ms=mark.next_funding_at_ms,
        at_ms=max(book.at_ms, mark.at_ms),
    )


class PriceBoard:
    """Keeps one value a symbol, so a slow reader skips prices and never falls behind."""

    def __init__(self, symbols: Iterable[str]) -> None:
        self._symbols = frozenset(symbols)
        self._books: dict[str, Book] = {}
        self._marks: dict[str, Mark] = {}
        self._changed: dict[str, None] = {}  # a set that keeps the order
        self._awake = asyncio.Event()
        self._failure: BaseException | None = None

    def set_book(self, symbol: str, book: Book) -> None:
        self._books[symbol] = book
        self._note(symbol)

    def set_mark(self, symbol: str, mark: Mark) -> None:
        self._marks[symbol] = mark
        self._note(symbol)

    def fail(self, error: BaseException) -> None:
        """The reader gets this error instead of the next prices."""
        self._failure = error
        self._awake.set()

    async def newest(self) -> Market:
        """Waits for a symbol that changed since it was last told; of several the one that waited longest."""
        await self._awake.wait()
        if self._failure is not None:
            raise self._failure
        symbol = next(iter(self._changed))
        del self._changed[symbol]
        if not self._changed:
            self._awake.clear()
        return market(symbol, self._books[symbol], self._marks[symbol])

    def _note(self, symbol: str) -> None:
        if symbol in self._symbols and symbol in self._books and symbol in self._marks:
            self._changed[symbol] = None
            self._awake.set()
