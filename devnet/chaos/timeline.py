"""When a hedger could do its work: everything that hindered it, by the chain's clock."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from math import inf
from pathlib import Path

Clock = Callable[[], float]


@dataclass(slots=True)
class Hindrance:
    """Why a hedger could not work from one moment to another; without an end while it lasts."""

    hedger: str
    why: str
    begin: float
    end: float = inf


class Timeline:
    """Hindrances of every hedger and prices of every symbol, as they came."""

    def __init__(self, clock: Clock) -> None:
        self.hindrances: list[Hindrance] = []
        self.prices: list[tuple[float, dict[str, Decimal]]] = []
        self._ask_clock, self._latest = clock, 0.0

    def _clock(self) -> float:
        """A reorganised chain may stand at an earlier time than before: here time never goes back."""
        self._latest = max(self._latest, self._ask_clock())
        return self._latest

    def begin(self, hedger: str, why: str) -> Hindrance:
        """Something hinders the hedger from now on, until `end`."""
        hindrance = Hindrance(hedger, why, self._clock())
        self.hindrances.append(hindrance)
        return hindrance

    def end(self, hindrance: Hindrance) -> None:
        hindrance.end = self._clock()

    @contextmanager
    def hindered(self, why: str, *hedgers: str) -> Iterator[None]:
        """These hedgers are hindered within this block."""
        begun = [self.begin(hedger, why) for hedger in hedgers]
        try:
            yield
        finally:
            for hindrance in begun:
                self.end(hindrance)

    def note_prices(self, prices: dict[str, Decimal]) -> None:
        self.prices.append((self._clock(), prices))

    def keep(self, path: Path) -> None:
        """One line a hindrance, for whoever looks into a run that failed."""
        path.write_text(
            "".join(f"{each.begin:.0f} {each.end:.0f} {each.hedger} {each.why}\n" for each in self.hindrances)
        )

    def free_stretches(self, hedger: str, since: float, until: float) -> list[tuple[float, float]]:
        """The times within this period in which nothing hindered the hedger, in order."""
        spans = sorted((each.begin, each.end) for each in self.hindrances if each.hedger == hedger)
        free, at = [], since
        for begin, end in spans:
            if begin > at and begin < until:
                free.append((at, begin))
            at = max(at, end)
        if at < until:
            free.append((at, until))
        return [(begin, min(end, until)) for begin, end in free if begin < until]

    def longest_free(
        self,
        hedger: str,
        since: float,
        until: float,
        *,
        symbol: str = "",
        holds: Callable[[Decimal], bool] | None = None,
    ) -> float:
        """Seconds of the longest time without hindrance in this period, and with a price for which `holds` is true."""
        stretches = self.free_stretches(hedger, since, until)
        if holds is not None:
            stretches = [part for stretch in stretches for part in self._where(symbol, holds, *stretch)]
        return max((end - begin for begin, end in stretches), default=0.0)

    def _where(
        self, symbol: str, holds: Callable[[Decimal], bool], since: float, until: float
    ) -> Iterator[tuple[float, float]]:
        """Parts of a period in which every price that was noted fits."""
        begin: float | None = None
        for at, prices in self.prices:
            if not since <= at <= until:
                continue
            if symbol in prices and holds(prices[symbol]):
                begin = at if begin is None else begin
                yield begin, at
            else:
                begin = None
