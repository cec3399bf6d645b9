"""Who plays what: every scene with its hedger, symbol and side."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice, product
from typing import Any

from devnet.demo.scenes import (
    alone,
    cancelling,
    closing,
    faults,
    forced,
    opening,
    races,
    random_trading,
    refusals,
    third_parties,
)
from devnet.demo.stage import LONG, SHORT, Ends, Play
from devnet.demo.symbols import AVAX, BNB, BTC, DOT, ETH, LISTED, LTC, SOL
from devnet.world import KEY_HEDGER, PROXY_HEDGER, HedgerSetup
from hedger.domain.terms import PositionType

__all__ = ["BTC", "ETH", "HEDGERS", "KEY", "PROXY", "SIDES", "SOL", "Scene", "apart", "together"]

_TERMS = {"min_notional": "50", "max_notional": "50000", "max_leverage": "40", "max_funding_rate": "0.0005"}
_COMMON = {"max_limit_distance": "0.3"}

# Locks before it hedges a market order, through the proxy contract.
PROXY = HedgerSetup(
    PROXY_HEDGER.name,
    policy={**PROXY_HEDGER.policy, **_COMMON, "symbols": dict.fromkeys((BTC, ETH, SOL), _TERMS)},
)
# Hedges a market order before it locks, by its own key; opens parts; takes no SOL and no short ETH.
KEY = HedgerSetup(
    KEY_HEDGER.name,
    through_proxy=False,
    policy={
        **KEY_HEDGER.policy,
        **_COMMON,
        "cap_account": "10000",
        "symbols": {BTC: _TERMS, ETH: {**_TERMS, "short_enabled": False}, SOL: {**_TERMS, "enabled": False}},
    },
)
# Both of them where everything is listed: the first one trades that too.
HEDGERS = (
    replace(PROXY, policy={**PROXY.policy, "symbols": {symbol.name: _TERMS for symbol in LISTED}}),
    KEY,
)

Performance = Callable[[Play], Coroutine[Any, Any, Ends]]
SIDES = {LONG: "long", SHORT: "short"}
# What one more quote of the demo is, beyond the script.
EXTRA = (opening.market_open, closing.market_close)


@dataclass(frozen=True, slots=True)
class Scene:
    """A coroutine and its cast; `quotes` is how many it makes at least. A scene that is played alone may begin with a
    position that was opened beside those of the others: that saves time."""

    perform: Performance
    symbol: str
    side: PositionType
    hedger: HedgerSetup = PROXY
    quotes: int = 1
    others: int = 0
    begins_open: bool = False

    @property
    def name(self) -> str:
        title = self.perform.__name__.replace("_", " ")
        return f"{title}, {self.symbol} {SIDES[self.side]}, hedger {self.hedger.name}"


def together(least_quotes: int) -> list[Scene]:
    """The scenes that are played side by side, with as many market trades added as `least_quotes` asks."""
    scenes = [*_openings(), *_cancels(), *_closes(), *_refusals(), *_races(), *_faults(), *_third_parties(), *_random()]
    missing = least_quotes - sum(scene.quotes for scene in [*scenes, *apart()])
    casts = cycle(product((BTC, ETH, SOL), SIDES))
    extras = [Scene(EXTRA[each % 2], *cast) for each, cast in enumerate(islice(casts, max(0, missing)))]
    return scenes + extras


def apart() -> list[Scene]:
    """The scenes that are played one after the other when the rest is over."""
    return [
        Scene(alone.reorganisation, BTC, LONG, quotes=3, others=2, begins_open=True),
        Scene(alone.orphaned_intent, ETH, SHORT),
        Scene(alone.crash, SOL, LONG, quotes=2, others=1, begins_open=True),
        Scene(third_parties.paused_contract, ETH, LONG, quotes=2, begins_open=True),
        Scene(third_parties.emergency_mode, BTC, SHORT, quotes=2, begins_open=True),
        Scene(third_parties.liquidation_of_the_hedger, BNB, LONG, begins_open=True),
    ]


def _openings() -> list[Scene]:
    return [
        *_each(opening.market_open, product((BTC, ETH, SOL), SIDES)),
        *_each(opening.market_open, ((BTC, LONG), (BTC, SHORT), (ETH, LONG)), KEY),
        *_each(opening.limit_fills_at_once, ((ETH, LONG), (SOL, SHORT))),
        *_each(opening.limit_rests_then_fills, ((BTC, LONG), (ETH, SHORT), (SOL, LONG))),
        *_each(opening.limit_rests_then_fills, ((BTC, SHORT),), KEY),
        *_each(opening.part_opened_and_child_taken, ((ETH, LONG), (BTC, SHORT)), KEY, quotes=2),
    ]


def _cancels() -> list[Scene]:
    return [
        *_each(cancelling.cancel_before_any_fill, ((BTC, LONG), (ETH, SHORT))),
        *_each(cancelling.cancel_before_any_fill, ((ETH, LONG),), KEY),
        *_each(cancelling.cancel_after_part, ((ETH, LONG), (BTC, SHORT)), quotes=2),
        *_each(cancelling.cancel_after_fill, ((SOL, LONG), (ETH, SHORT))),
        *_each(cancelling.cancel_of_an_unlocked_intent, ((BTC, LONG), (SOL, SHORT))),
        *_each(cancelling.open_expires, ((ETH, LONG), (BTC, SHORT)), others=1),
        *_each(forced.forced_cancel, ((BTC, LONG),), others=1),
        *_each(forced.forced_cancel_of_a_part_filled, ((ETH, SHORT),), others=1),
    ]


def _closes() -> list[Scene]:
    return [
        *_each(closing.market_close, ((BTC, LONG), (ETH, SHORT), (SOL, LONG))),
        *_each(closing.market_close, ((ETH, LONG), (BTC, SHORT)), KEY),
        *_each(closing.market_close_of_a_part, ((ETH, LONG), (SOL, SHORT))),
        *_each(closing.limit_close_by_the_price, ((ETH, LONG), (BTC, SHORT))),
        *_each(closing.limit_close_in_several_fills, ((SOL, LONG), (ETH, SHORT))),
        *_each(closing.close_cancelled_before_any_fill, ((BTC, LONG), (SOL, SHORT))),
        *_each(closing.close_cancelled_after_a_part, ((BTC, LONG), (ETH, SHORT))),
        *_each(closing.close_expires, ((BTC, LONG), (SOL, SHORT))),
        *_each(forced.forced_cancel_of_a_close, ((SOL, LONG),), others=1),
    ]


def _refusals() -> list[Scene]:
    return [
        Scene(refusals.too_small, SOL, LONG),
        Scene(refusals.too_large, BTC, SHORT),
        Scene(refusals.beyond_the_account, BTC, LONG, KEY),
        Scene(refusals.off_the_lot_size, ETH, LONG),
        Scene(refusals.too_much_leverage, SOL, SHORT),
        Scene(refusals.too_little_locked, BTC, LONG),
        Scene(refusals.no_funding, ETH, SHORT),
        Scene(refusals.market_moved, BTC, LONG),
        Scene(refusals.limit_too_far, SOL, SHORT),
        Scene(refusals.too_little_time, ETH, LONG),
        Scene(refusals.symbol_disabled, SOL, LONG, KEY),
        Scene(refusals.side_disabled, ETH, SHORT, KEY),
    ]


def _races() -> list[Scene]:
    return [*_each(races.lost_race, ((BTC, LONG), (SOL, SHORT))), *_each(races.lost_race, ((ETH, LONG),), KEY)]


def _faults() -> list[Scene]:
    return [
        Scene(faults.answer_lost, BTC, LONG),
        Scene(faults.outcome_unknown, SOL, SHORT),
        Scene(faults.too_many_requests, ETH, SHORT),
        Scene(faults.close_answer_lost, ETH, LONG),
        Scene(faults.stream_dropped, SOL, LONG),
        Scene(faults.stream_silent, BTC, SHORT),
        Scene(faults.oracle_fails, BTC, LONG, KEY),
    ]


def _third_parties() -> list[Scene]:
    return [
        Scene(third_parties.liquidation_of_the_trader, LTC, LONG, quotes=2),
        Scene(third_parties.forced_close_prevented, AVAX, LONG),
        Scene(third_parties.settlement_by_the_rival, ETH, LONG, quotes=2),
        Scene(third_parties.child_taken_by_the_rival, ETH, LONG, KEY, quotes=2),
        Scene(third_parties.suspended_account, SOL, SHORT),
        Scene(third_parties.delisted_symbol, DOT, SHORT, quotes=2, others=1),
        Scene(third_parties.funding_charged, BNB, LONG),
    ]


def _random() -> list[Scene]:
    return _each(random_trading.random_trading, ((BTC, LONG), (ETH, SHORT), (SOL, LONG)), quotes=3)


def _each(
    perform: Performance,
    casts: "Sequence[tuple[str, PositionType]] | product[tuple[str, PositionType]]",
    hedger: HedgerSetup = PROXY,
    *,
    quotes: int = 1,
    others: int = 0,
) -> list[Scene]:
    return [Scene(perform, symbol, side, hedger, quotes, others) for symbol, side in casts]
