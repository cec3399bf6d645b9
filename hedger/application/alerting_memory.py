"""Levels of what this process sees by itself: blocks, prices, answers, clocks, margins, endpoints."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal

from hedger.adapters.chain.rpc import EndpointHealth
from hedger.application.inputs import Board
from hedger.domain.alerts.watch import Look, Reading
from hedger.domain.money import to_decimal

# A margin that was told longer ago says nothing of now.
_FRESH_MS = 60_000
# An endpoint that failed and was not asked since is not held to fail for ever.
_RECENT_S = 60.0


class Streak:
    """Over how long somebody has failed us without an answer in between."""

    def __init__(self, clock_ms: Callable[[], int]) -> None:
        self._clock_ms = clock_ms
        self._first_ms: int | None = None
        self._last_ms: int | None = None
        self._was_heard = False

    def heard(self, answered: bool) -> None:
        """Note one question: whether it was answered."""
        if answered:
            self._was_heard, self._first_ms, self._last_ms = True, None, None
            return
        self._last_ms = self._clock_ms()
        self._first_ms = self._first_ms if self._first_ms is not None else self._last_ms

    @property
    def lasts_s(self) -> Decimal | None:
        """Seconds from the first to the last failure in a row, 0 after an answer, None where nothing was asked."""
        if self._first_ms is None or self._last_ms is None:
            return Decimal(0) if self._was_heard else None
        return _seconds(self._last_ms - self._first_ms)


class MemoryLevels:
    """Levels on the board, and of what was heard of when (`seen_at_ms`, as the roles note it)."""

    def __init__(self, board: Board, seen_at_ms: Mapping[str, int], *, clock_ms: Callable[[], int]) -> None:
        self._board, self._seen_at_ms, self._clock_ms = board, seen_at_ms, clock_ms

    async def chain(self) -> Look:
        return {"blocks": Reading(value=self._silence_s("head"))}

    async def venue(self) -> Look:
        """Requests and prices come by different ways, and fail apart."""
        return {
            "requests": Reading(value=self._silence_s("venue_answers")),
            "prices": Reading(value=self._silence_s("prices")),
        }

    async def venue_clock(self) -> Look:
        offset = Decimal(abs(self._board.venue_offset_ms))
        return {"venue": Reading(value=offset if self._is_fresh() else None)}

    async def chain_clock(self) -> Look:
        """How far the newest block's time was from ours when it was read: either clock may be wrong, or we behind."""
        seen_ms, head = self._seen_at_ms.get("head"), self._board.head
        offset = abs(_seconds(seen_ms) - head.timestamp) if seen_ms is not None and head is not None else None
        return {"chain": Reading(value=offset)}

    async def venue_margin(self) -> Look:
        margin = self._board.venue_margin
        return {"venue": Reading(value=to_decimal(margin) if margin is not None and self._is_fresh() else None)}

    async def venue_margin_ratio(self) -> Look:
        """The free part of the wallet; without a wallet there is nothing to be free."""
        free, wallet = self._board.venue_margin, self._board.venue_wallet
        known = free is not None and wallet and self._is_fresh()
        ratio = to_decimal(free) / to_decimal(wallet) if known and free is not None and wallet else None
        return {"venue": Reading(value=ratio)}

    def _is_fresh(self) -> bool:
        answered = self._seen_at_ms.get("venue_answers")
        return answered is not None and self._clock_ms() - answered <= _FRESH_MS

    def _silence_s(self, what: str) -> Decimal | None:
        seen = self._seen_at_ms.get(what)
        return _seconds(self._clock_ms() - seen) if seen is not None else None


async def of_endpoints(health: Sequence[EndpointHealth], monotonic_s: float) -> Look:
    """How many of the endpoints of each host (only that of a URL is told) failed the last time they were asked."""
    failing = Counter(each.name for each in health if _is_failing(each, monotonic_s))
    newest = {each.name: each.last_failure for each in health if _is_failing(each, monotonic_s)}
    return {each.name: Reading(value=Decimal(failing[each.name]), detail=newest.get(each.name, "")) for each in health}


def _is_failing(endpoint: EndpointHealth, monotonic_s: float) -> bool:
    return bool(endpoint.resting_until) and monotonic_s - endpoint.resting_until < _RECENT_S


async def of_streak(streak: Streak, subject: str) -> Look:
    """How long the oracle has given nothing."""
    return {subject: Reading(value=streak.lasts_s)}


async def of_balance(ask: Callable[[], Awaitable[int]], subject: str) -> Look:
    """A balance (wad) that is asked for anew each time."""
    return {subject: Reading(value=to_decimal(await ask()))}


def _seconds(milliseconds: int) -> Decimal:
    return Decimal(milliseconds) / 1000
