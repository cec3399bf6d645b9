"""The venue's funding rates: as they are seen before a settlement, and as the venue tells that it applied them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import structlog

from hedger.adapters.venue.port import FundingSettled, Market, Venue, VenueUnavailable
from hedger.domain.funding import VenueRate

logger = structlog.get_logger(__name__)

_MOST_KEPT = 64
_HISTORY_MS = 48 * 3600 * 1000
_ASKED_FOR_S = 600  # so long after a settlement it is asked what was applied


@dataclass(slots=True)
class _Schedule:
    """Rates by the second of their settlement, of one symbol."""

    next_at: int = 0
    seen: dict[int, int] = field(default_factory=dict)
    settled: dict[int, int] = field(default_factory=dict)
    is_read: bool = False

    @property
    def interval_s(self) -> int:
        """Between the two newest settlements that are known, the coming one included; 0 where there is but one."""
        times = sorted(self.seen.keys() | self.settled.keys())
        return times[-1] - times[-2] if len(times) > 1 else 0


class FundingRates:
    """What is known of each symbol's settlements, the last some dozens of them."""

    def __init__(self) -> None:
        self._schedules: dict[str, _Schedule] = {}

    def note(self, market: Market) -> None:
        """The rate as it streams in. Past the settlement it belongs to the next one, which is not told yet."""
        if not market.next_funding_at_ms or market.at_ms >= market.next_funding_at_ms:
            return
        schedule = self._schedules.setdefault(market.symbol, _Schedule())
        schedule.next_at = _second(market.next_funding_at_ms)
        schedule.seen[schedule.next_at] = market.funding_rate
        _prune(schedule.seen)

    def settle(self, symbol: str, told: Iterable[FundingSettled]) -> None:
        """What the venue says that it applied."""
        schedule = self._schedules.setdefault(symbol, _Schedule())
        schedule.settled |= {_second(each.at_ms): each.rate for each in told}
        schedule.is_read = True
        _prune(schedule.settled)

    def wants(self, symbol: str, now_s: int) -> bool:
        """True while the venue must be asked: at first, and after a settlement whose rate it has not told yet."""
        schedule = self._schedules.get(symbol)
        if schedule is None:
            return False
        times = sorted(at for at in schedule.seen.keys() | schedule.settled.keys() if at <= now_s)
        is_missing = bool(times) and times[-1] not in schedule.settled and now_s - times[-1] < _ASKED_FOR_S
        return is_missing or not schedule.is_read

    def interval_s(self, symbol: str) -> int:
        """Seconds between two settlements, 0 where it is not known."""
        schedule = self._schedules.get(symbol)
        return schedule.interval_s if schedule is not None else 0

    def of_epoch(self, symbol: str, boundary: int, epoch_s: int) -> tuple[VenueRate, ...]:
        """The settlements of the epoch that ends at a boundary; where none is at it, also the first one behind it."""
        schedule = self._schedules.get(symbol)
        if schedule is None:
            return ()
        times = sorted(at for at in schedule.seen.keys() | schedule.settled.keys() if at > boundary - epoch_s)
        rates = [_rate(schedule, at) for at in times if at <= boundary]
        if not rates or rates[-1].settles_at < boundary:
            rates += [_rate(schedule, at) for at in times if at > boundary][:1]
        return tuple(rates)


class FundingMonitor:
    """Asks the venue what it applied, of every symbol in which something is held."""

    def __init__(self, venue: Venue, rates: FundingRates) -> None:
        self._venue, self._rates = venue, rates

    async def look(self, symbols: Iterable[str], now_ms: int) -> None:
        """One look at those symbols of which something is missing. A venue that does not answer is asked again."""
        for symbol in symbols:
            if not self._rates.wants(symbol, now_ms // 1000):
                continue
            try:
                self._rates.settle(symbol, await self._venue.funding_rates(symbol, now_ms - _HISTORY_MS))
            except VenueUnavailable as error:
                logger.warning("funding rates not known", symbol=symbol, error=str(error))
                return


def _rate(schedule: _Schedule, at: int) -> VenueRate:
    if at in schedule.settled:
        return VenueRate(settles_at=at, rate=schedule.settled[at], is_settled=True)
    return VenueRate(settles_at=at, rate=schedule.seen[at], is_settled=False)


def _second(at_ms: int) -> int:
    """Venues stamp a settlement some milliseconds beside its time."""
    return (at_ms + 500) // 1000


def _prune(rates: dict[int, int]) -> None:
    for at in sorted(rates)[:-_MOST_KEPT]:
        del rates[at]
