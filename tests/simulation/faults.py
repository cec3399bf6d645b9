"""Every seed draws its own weather: how slow, how lossy, how often each part of the outside fails."""

import random
from dataclasses import dataclass, field


@dataclass
class Weather:
    """Probabilities (0..1) and times (seconds) of one run. `calm` ends all of it."""

    random: random.Random
    rpc_slow_s: float = 0.05
    rpc_fails: float = 0.0
    muon_fails: float = 0.0
    log_slow_s: float = 0.002
    log_fails: float = 0.0
    venue_slow_s: float = 0.1
    place_lost: float = 0.0  # the request never arrives
    answer_lost: float = 0.0  # it arrives, the answer does not
    place_late: float = 0.0  # it arrives after the caller has given up waiting
    place_refused: float = 0.0
    rate_limited: float = 0.0
    find_fails: float = 0.0
    find_lags_s: float = 0.0
    stream_lost: float = 0.0
    stream_twice: float = 0.0
    stream_late_s: float = 0.05
    stream_breaks: float = 0.0
    fork: float = 0.0  # per block
    deepest_fork: int = 4
    returns: float = 0.0  # of a fork: the old branch becomes the longer one again
    transaction_lost: float = 0.0  # from the pool, at a fork or on its way
    ids_change: bool = False  # an intent lost to a fork leaves its id to another one
    fee_spikes: float = 0.0
    wicks: float = 0.0  # prices that are there for a second only
    crashes: float = 0.0  # mean number a run
    is_calm: bool = False
    outages: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def happens(self, probability: float) -> bool:
        return not self.is_calm and probability > 0 and self.random.random() < probability

    def takes(self, seconds: float) -> float:
        """A time about as long; now and then ten times as long."""
        stretch = 10.0 if not self.is_calm and self.random.random() < 0.02 else 1.0
        return seconds * stretch * (0.2 + 1.6 * self.random.random())

    def is_away(self, what: str, now: float) -> bool:
        return not self.is_calm and any(begin <= now < end for begin, end in self.outages.get(what, ()))

    @property
    def is_mild(self) -> bool:
        """True where every kind of trouble is rare enough for what is owed to be done in time all the same."""
        heavy = (self.rpc_fails, self.muon_fails, self.answer_lost, self.place_lost, self.place_late, self.find_fails)
        rare = all(each <= 0.03 for each in (*heavy, self.place_refused, self.rate_limited))
        return rare and self.fork <= 0.02 and not self.fee_spikes and self.log_fails <= 0.002

    def away_within(self, begin: float, end: float) -> bool:
        """True where anything was away at any time in between."""
        spans = [span for spans in self.outages.values() for span in spans]
        return any(first < end and begin < last for first, last in spans)


def fair_weather(chance: random.Random, length_s: float) -> Weather:
    """All trouble light, prices wild: whoever is not answered in time now has the hedger alone to blame."""
    return Weather(
        random=chance,
        rpc_slow_s=chance.choice((0.01, 0.05, 0.4)),
        rpc_fails=chance.choice((0.0, 0.02)),
        muon_fails=chance.choice((0.0, 0.03)),
        venue_slow_s=chance.choice((0.02, 0.1, 0.8)),
        place_lost=chance.choice((0.0, 0.03)),
        answer_lost=chance.choice((0.0, 0.03)),
        place_refused=chance.choice((0.0, 0.02)),
        find_lags_s=chance.choice((0.0, 0.3)),
        stream_lost=chance.choice((0.0, 0.3, 1.0)),
        stream_late_s=chance.choice((0.02, 0.5, 4.0)),
        wicks=chance.choice((0.01, 0.05, 0.1)),
    )


def weather_of(chance: random.Random, length_s: float) -> Weather:
    """Drawn from a seed: each kind of trouble is absent, light or heavy, independent of the others."""

    def some(light: float, heavy: float) -> float:
        return chance.choice((0.0, 0.0, light, light, heavy))

    weather = Weather(
        random=chance,
        rpc_slow_s=chance.choice((0.01, 0.05, 0.4)),
        rpc_fails=some(0.01, 0.15),
        muon_fails=some(0.03, 0.3),
        log_slow_s=chance.choice((0.0, 0.002, 0.05)),
        log_fails=some(0.002, 0.03),
        venue_slow_s=chance.choice((0.02, 0.1, 0.8)),
        place_lost=some(0.03, 0.2),
        answer_lost=some(0.03, 0.3),
        place_late=some(0.03, 0.2),
        place_refused=some(0.02, 0.2),
        rate_limited=some(0.02, 0.2),
        find_fails=some(0.03, 0.2),
        find_lags_s=chance.choice((0.0, 0.0, 0.3)),
        stream_lost=chance.choice((0.0, 0.05, 0.3, 1.0)),
        stream_twice=some(0.1, 0.5),
        stream_late_s=chance.choice((0.02, 0.5, 4.0)),
        stream_breaks=some(0.01, 0.05),
        fork=some(0.02, 0.12),
        deepest_fork=chance.choice((1, 3, 8)),
        returns=chance.choice((0.0, 0.3)),
        transaction_lost=some(0.05, 0.3),
        ids_change=chance.random() < 0.3,
        fee_spikes=some(0.02, 0.1),
        crashes=chance.choice((0.0, 1.0, 3.0, 8.0)),
        wicks=chance.choice((0.0, 0.01, 0.03)),
    )
    for what in ("rpc", "venue", "log"):
        weather.outages[what] = []
        if chance.random() < 0.35:
            for _ in range(chance.randint(1, 2)):
                begin = chance.uniform(5, length_s)
                longest = 60.0 if what != "log" else 10.0
                weather.outages[what].append((begin, begin + chance.uniform(1, longest)))
    return weather
