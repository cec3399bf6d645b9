"""When a close may be forced: the period whose prices count, and whether they reach what was requested."""

from dataclasses import dataclass

from devnet.actors.oracle_client import PriceRangeAnswer
from devnet.traders import QuoteOnChain
from hedger.domain.money import mul
from hedger.domain.terms import OrderType, PositionType, QuoteStatus

# Candles the oracle tells at once; of a longer period the last part is taken.
MOST_CANDLES = 1_000


@dataclass(frozen=True, slots=True)
class ForceTerms:
    """The contract's terms of forced closes: seconds, and ratios as wads. `candle_s` is the grain of the oracle."""

    first_cooldown_s: int
    second_cooldown_s: int
    min_period_s: int
    gap_ratio: int
    penalty_ratio: int
    candle_s: int = 60


def is_forceable(quote: QuoteOnChain) -> bool:
    """A close at a limit that the hedger has left unanswered."""
    return quote.status is QuoteStatus.CLOSE_PENDING and quote.order_type is OrderType.LIMIT


def period_of(quote: QuoteOnChain, terms: ForceTerms, now: int) -> tuple[int, int] | None:
    """Start and end of the longest period the contract accepts at `now`, in whole candles; None while there is none.

    The hedger had time before it began and after it ended, and it ended within the life of the request.
    """
    grain = terms.candle_s
    start = _up(quote.status_modified_at + terms.first_cooldown_s, grain)
    end = (min(now, quote.deadline) - terms.second_cooldown_s) // grain * grain
    start = max(start, end - (MOST_CANDLES - 1) * grain)
    return (start, end) if start < end else None


def is_reached(quote: QuoteOnChain, terms: ForceTerms, told: PriceRangeAnswer) -> bool:
    """The market went past the requested price by the gap, and for long enough where its average decides."""
    requested = quote.requested_close_price
    gap, penalty = mul(requested, terms.gap_ratio), mul(requested, terms.penalty_ratio)
    if quote.position_type is PositionType.LONG:
        reached, average_decides = told.highest >= requested + gap, told.mean >= requested + penalty
    else:
        reached, average_decides = told.lowest <= requested - gap, told.mean <= requested - penalty
    return reached and (not average_decides or told.end_time - told.start_time >= terms.min_period_s)


def _up(moment: int, grain: int) -> int:
    return -(-moment // grain) * grain
