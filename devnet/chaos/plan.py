"""What goes wrong and when: a list that follows from the seed alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from random import Random


class Trouble(StrEnum):
    """One kind of trouble; the comment of each group says whom it befalls, or who makes it."""

    # A hedger itself.
    KILL = "kill"
    # The cables between a hedger and the rest.
    VENUE_OUTAGE = "venue_outage"
    RPC_OUTAGE = "rpc_outage"
    HEADS_OUTAGE = "heads_outage"
    ORACLE_OUTAGE = "oracle_outage"
    # A hedger's exchange: single requests, then periods.
    LOSE_REQUEST = "lose_request"
    LOSE_ANSWER = "lose_answer"
    DELAY_REQUEST = "delay_request"
    DELAY_ANSWER = "delay_answer"
    UNKNOWN_OUTCOME = "unknown_outcome"
    SERVER_ERROR = "server_error"
    BAD_TIMESTAMP = "bad_timestamp"
    RATE_LIMITED = "rate_limited"
    BANNED = "banned"
    NO_CANCELS = "no_cancels"
    STREAM_DROPPED = "stream_dropped"
    STREAM_SILENT = "stream_silent"
    STREAM_TWICE = "stream_twice"
    STREAM_EXPIRED = "stream_expired"
    THIN_BOOK = "thin_book"
    NO_FILLS = "no_fills"
    FILLED_IN_PART = "filled_in_part"
    VENUE_FUNDING = "venue_funding"
    # The oracle, for everybody.
    ORACLE_FAULT = "oracle_fault"
    # The chain, for everybody.
    REORGANISATION = "reorganisation"
    DROPPED = "dropped"
    STUCK = "stuck"
    # The contract, by its administrators and by a rival.
    PAUSED = "paused"
    SUSPENDED = "suspended"
    EMERGENCY = "emergency"
    SETTLED = "settled"
    # The market.
    JUMP = "jump"
    SWING = "swing"


OF_EVERYBODY = frozenset(
    (
        *(Trouble.ORACLE_FAULT, Trouble.REORGANISATION, Trouble.STUCK, Trouble.JUMP, Trouble.SWING),
        *(Trouble.PAUSED, Trouble.SUSPENDED, Trouble.SETTLED),
    )
)
OF_ONE_HEDGER = frozenset(Trouble) - OF_EVERYBODY
# Each trouble this often in a deck; a deck is shuffled, dealt to its end, and shuffled anew: none is left out for long.
DECK: Sequence[Trouble] = (
    *Trouble,
    *(Trouble.KILL,) * 3,
    *(Trouble.LOSE_ANSWER, Trouble.LOSE_REQUEST, Trouble.ORACLE_FAULT, Trouble.REORGANISATION, Trouble.SWING),
    *(Trouble.JUMP,) * 2,
)
# What lasts may not begin again for the same hedger before it has ended.
SHORTEST_S, LONGEST_S = 1.0, 6.0
# One in so many lasts longer than the cooldowns, so that others may force what is left undone.
LONG_ONES, LONG_SHORTEST_S, LONG_LONGEST_S = 7, 18.0, 28.0
FASTEST_S, SLOWEST_S = 0.4, 2.4
ORDER_METHODS = ("POST", "POST", "DELETE", "GET")
SMALLEST_JUMP, LARGEST_JUMP = Decimal("0.03"), Decimal("0.13")
SMALLEST_SWING, LARGEST_SWING = Decimal("0.003"), Decimal("0.012")
DEEPEST = 5


@dataclass(frozen=True, slots=True)
class Strike:
    """One trouble at its moment, `at_s` after the start. What a trouble does not need is left as it is.

    `move` is a signed part of the price, `depth` a number of blocks, `method` the requests of an exchange it meets.
    """

    at_s: float
    trouble: Trouble
    hedger: str
    symbol: str
    seconds: float
    move: Decimal
    depth: int
    method: str


def plan(seed: int, lasts_s: float, hedgers: Sequence[str], symbols: Sequence[str]) -> list[Strike]:
    """Every strike in order; the same arguments give the same list."""
    random, deck, strikes = Random(f"{seed}:plan"), list[Trouble](), list[Strike]()
    at_s = random.uniform(FASTEST_S, SLOWEST_S)
    busy: dict[tuple[str, Trouble], float] = {}
    while at_s < lasts_s:
        if not deck:
            deck = random.sample(DECK, len(DECK))
        strike = _draw(random, at_s, deck.pop(), hedgers, symbols)
        key = strike.hedger, strike.trouble
        if busy.get(key, 0.0) <= at_s:
            strikes.append(strike)
            busy[key] = at_s + strike.seconds
        at_s += random.uniform(FASTEST_S, SLOWEST_S)
    return strikes


def _draw(random: Random, at_s: float, trouble: Trouble, hedgers: Sequence[str], symbols: Sequence[str]) -> Strike:
    """Always draws everything, so that one kind of strike does not shift what is drawn for the next."""
    hedger, symbol = random.choice(hedgers), random.choice(symbols)
    usual, long = random.uniform(SHORTEST_S, LONGEST_S), random.uniform(LONG_SHORTEST_S, LONG_LONGEST_S)
    seconds, depth = usual if random.randrange(LONG_ONES) else long, random.randint(1, DEEPEST)
    method, sign = random.choice(ORDER_METHODS), random.choice((1, -1))
    is_jump = trouble is Trouble.JUMP
    bounds = (SMALLEST_JUMP, LARGEST_JUMP) if is_jump else (SMALLEST_SWING, LARGEST_SWING)
    move = sign * _between(random, *bounds)
    return Strike(
        round(at_s, 3),
        trouble,
        hedger if trouble in OF_ONE_HEDGER else "",
        symbol,
        round(seconds, 3),
        move,
        depth,
        method,
    )


def _between(random: Random, low: Decimal, high: Decimal) -> Decimal:
    return low + (high - low) * random.randrange(1001) / 1000
