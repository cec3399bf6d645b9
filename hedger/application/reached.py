"""The highest and the lowest price of a symbol since any moment of late, kept from the prices as they stream in."""

from bisect import bisect_left
from dataclasses import dataclass, field

from hedger.domain.policies.inputs import PriceRange

_MOST_KEPT = 50_000


@dataclass(slots=True)
class _Peaks:
    """Values in falling order with the second of each: of all since a moment, the first from there on is the highest.

    Whatever is not above a later value can never be the highest since any moment, and is not kept.
    """

    seconds: list[int] = field(default_factory=list)
    values: list[int] = field(default_factory=list)

    def note(self, second: int, value: int) -> None:
        while self.values and self.values[-1] <= value:
            self.seconds.pop()
            self.values.pop()
        self.seconds.append(second)
        self.values.append(value)
        if len(self.values) > _MOST_KEPT:
            del self.seconds[0], self.values[0]

    def since(self, second: int) -> int | None:
        place = bisect_left(self.seconds, second)
        return self.values[place] if place < len(self.values) else None


class Reached:
    """Of one symbol. Prices come in the order of their time."""

    def __init__(self) -> None:
        self._highs, self._lows = _Peaks(), _Peaks()
        self._newest = 0

    def note(self, second: int, high: int, low: int) -> None:
        """A price of this second (of the venue's clock); one of an earlier second than the newest counts as of that."""
        self._newest = max(self._newest, second)
        self._highs.note(self._newest, high)
        self._lows.note(self._newest, -low)

    def since(self, second: int) -> PriceRange | None:
        """Highest and lowest since that second, None where no price came."""
        high, low = self._highs.since(second), self._lows.since(second)
        return None if high is None or low is None else PriceRange(high=high, low=-low, since=second)
