"""The public streams by name: which there are, and what each says now."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from devnet.exchange.engine import Engine
from devnet.exchange.market import Market
from devnet.exchange.user_events import text

FAST = frozenset({"bookTicker"})
SLOW = frozenset({"markPrice", "miniTicker", "ticker"})


class PublicStreams:
    """Names are `btcusdt@bookTicker`, `btcusdt@markPrice@1s`, `btcusdt@miniTicker`, `btcusdt@ticker` for one symbol
    and `!bookTicker`, `!markPrice@arr@1s`, `!miniTicker@arr`, `!ticker@arr` for all."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._render: dict[str, Callable[[Market], dict[str, object]]] = {
            "bookTicker": self._book,
            "markPrice": self._mark,
            "miniTicker": self._mini,
            "ticker": self._day,
        }

    def is_known(self, name: str) -> bool:
        symbol, channel = split(name)
        return channel in self._render and (symbol is None or symbol in self._engine.markets)

    def messages(self, name: str, channels: Iterable[str], changed: str | None = None) -> list[object]:
        """What the stream sends now, if its channel is one of those due; `changed` narrows it to one symbol."""
        symbol, channel = split(name)
        if channel not in channels or (symbol is not None and changed not in (None, symbol)):
            return []
        render = self._render[channel]
        if symbol is not None:
            return [render(self._engine.markets[symbol])]
        everything: list[object] = [
            render(market) for market in self._engine.markets.values() if changed in (None, market.spec.name)
        ]
        return everything if channel == "bookTicker" else [everything]

    def _book(self, market: Market) -> dict[str, object]:
        price, quantity = market.price, text(market.fills.level_quantity)
        return {
            "e": "bookTicker",
            "u": price.update_id,
            "E": self._engine.now_ms(),
            "T": price.changed_ms,
            "s": market.spec.name,
            "b": text(price.bid),
            "B": quantity,
            "a": text(price.ask),
            "A": quantity,
        }

    def _mark(self, market: Market) -> dict[str, object]:
        mark = text(market.price.mark)
        return {
            "e": "markPriceUpdate",
            "E": self._engine.now_ms(),
            "s": market.spec.name,
            "p": mark,
            "i": mark,
            "P": mark,
            "r": text(market.funding_rate),
            "T": self._engine.next_funding_ms,
        }

    def _mini(self, market: Market) -> dict[str, object]:
        day = market.price.day
        return {
            "e": "24hrMiniTicker",
            "E": self._engine.now_ms(),
            "s": market.spec.name,
            "c": text(day.close),
            "o": text(day.open),
            "h": text(day.high),
            "l": text(day.low),
            "v": text(day.volume),
            "q": text(day.quote_volume),
        }

    def _day(self, market: Market) -> dict[str, object]:
        day = market.price.day
        change = day.close - day.open
        return self._mini(market) | {
            "e": "24hrTicker",
            "p": text(change),
            "P": text(round(change * 100 / day.open, 3)),
            "w": text(market.price.mid),
            "Q": text(market.spec.step),
            "O": day.open_ms,
            "C": market.price.changed_ms,
            "F": 1,
            "L": max(1, day.moves),
            "n": day.moves,
        }


def split(name: str) -> tuple[str | None, str]:
    """(symbol or None for all, channel) of a stream name; an empty channel for what is no name of ours."""
    head, *rest = name.split("@")
    if head.startswith("!"):
        return None, head[1:]
    return (head.upper(), rest[0]) if rest else (head.upper(), "")
