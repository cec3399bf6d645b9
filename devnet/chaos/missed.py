"""What a hedger owed and did not do in time, although nothing kept it from doing it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from devnet.chaos.record import ChainEvent
from devnet.chaos.timeline import Timeline
from hedger.domain.money import WAD
from hedger.domain.terms import OrderType, PositionType, QuoteStatus

# So long without any hindrance, a hedger must have done what it owes.
ENOUGH_S = 10.0
# A market close is filled at the exchange's price less this part: the spread, and what the price moves meanwhile.
MARGIN = Decimal("0.003")

FORCE_CANCEL, FORCE_CANCEL_CLOSE, FORCE_CLOSE = "force cancel", "force cancel of a close", "force close"
MARKET_CLOSE = "market close"


@dataclass(frozen=True, slots=True)
class Listed:
    """What the judge must know of a quote beside its events."""

    symbol: str
    side: PositionType


@dataclass(frozen=True, slots=True)
class Suffered:
    """A duty that was not done, from when it was owed until it was over, by the chain's clock."""

    duty: str
    quote_id: int
    party_b: str
    party_a: str
    since: int
    until: int
    price: int = 0


@dataclass(frozen=True, slots=True)
class Missed:
    """A duty that was not done: the hedger had `free_s` seconds in a row without hindrance for it."""

    suffered: Suffered
    hedger: str
    free_s: float

    def __str__(self) -> str:
        told = self.suffered
        return (
            f"hedger {self.hedger}, {told.duty} of quote {told.quote_id}: owed from {told.since} to {told.until}, "
            f"{self.free_s:.0f} s of it free"
        )


@dataclass(slots=True)
class _Asked:
    """The last request about one quote."""

    at: int
    party_a: str
    party_b: str
    order_type: OrderType = OrderType.LIMIT
    price: int = 0
    deadline: int = 0


class _Reading:
    """Goes through the events once and collects what was not done."""

    def __init__(self) -> None:
        self.suffered: list[Suffered] = []
        self._cancels: dict[int, _Asked] = {}
        self._closes: dict[int, _Asked] = {}
        self._close_cancels: dict[int, _Asked] = {}

    def read(self, event: ChainEvent) -> None:
        told, quote_id = event.values, int(event.values.get("quoteId", 0))
        match event.name:
            case "RequestToCancelQuote":
                self._cancels[quote_id] = _asked(event)
            case "RequestToClosePosition":
                terms = OrderType(told["orderType"]), told["closePrice"], told["deadline"]
                self._closes[quote_id] = _asked(event, *terms)
            case "RequestToCancelCloseRequest":
                self._close_cancels[quote_id] = _asked(event)
            case "ForceCancelQuote":
                self._was_forced(FORCE_CANCEL, self._cancels, quote_id, event.at)
            case "ForceCancelCloseRequest":
                self._was_forced(FORCE_CANCEL_CLOSE, self._close_cancels, quote_id, event.at)
            case "ForceClosePosition":
                self._was_forced(FORCE_CLOSE, self._closes, quote_id, event.at)
            case "ExpireQuoteClose":
                self._close_expired(quote_id)

    def _was_forced(self, duty: str, requests: Mapping[int, _Asked], quote_id: int, at: int) -> None:
        asked = requests[quote_id]
        self.suffered.append(Suffered(duty, quote_id, asked.party_b, asked.party_a, asked.at, at, asked.price))

    def _close_expired(self, quote_id: int) -> None:
        """A market close must be filled in time; its user took none of it back, if that did not come later."""
        asked, taken_back = self._closes[quote_id], self._close_cancels.get(quote_id)
        if asked.order_type is not OrderType.MARKET:
            return
        until = taken_back.at if taken_back is not None and taken_back.at >= asked.at else asked.deadline
        terms = asked.party_b, asked.party_a, asked.at, until, asked.price
        self.suffered.append(Suffered(MARKET_CLOSE, quote_id, *terms))


def suffered(events: Iterable[ChainEvent]) -> list[Suffered]:
    """Everything that ended by force or by its deadline, whoever was to blame."""
    reading = _Reading()
    for event in events:
        reading.read(event)
    return reading.suffered


def judged(
    found: Sequence[Suffered], timeline: Timeline, hedgers: Mapping[str, str], listed: Mapping[int, Listed]
) -> list[Missed]:
    """All that hedgers (name by lower-case address) suffered, with the time each would have had for it."""
    return [
        Missed(each, name, _free_s(each, name, timeline, listed[each.quote_id]))
        for each in found
        if (name := hedgers.get(each.party_b.lower())) is not None
    ]


def missed(verdicts: Iterable[Missed], excused: Callable[[Suffered], bool] = lambda each: False) -> list[Missed]:
    """Of all that was suffered, what there was enough time to do, and is not excused."""
    return [each for each in verdicts if each.free_s >= ENOUGH_S and not excused(each.suffered)]


def _free_s(each: Suffered, hedger: str, timeline: Timeline, quote: Listed) -> float:
    if each.duty not in (MARKET_CLOSE, FORCE_CLOSE):
        return timeline.longest_free(hedger, each.since, each.until)
    asked, is_long = Decimal(each.price) / WAD, quote.side is PositionType.LONG

    def is_reached(price: Decimal) -> bool:
        return price * (1 - MARGIN) >= asked if is_long else price * (1 + MARGIN) <= asked

    return timeline.longest_free(hedger, each.since, each.until, symbol=quote.symbol, holds=is_reached)


def liquidated_meanwhile(events: Iterable[ChainEvent]) -> Callable[[Suffered], bool]:
    """True of a duty towards a PartyA that was in liquidation, or of a pair that was, within its time."""
    moments = [
        (event.at, event.values["partyA"].lower())
        for event in events
        if event.name in ("LiquidatePartyA", "DeferredLiquidatePartyA", "LiquidatePartyB")
    ]
    return lambda each: any(each.since <= at <= each.until and a == each.party_a.lower() for at, a in moments)


def _asked(event: ChainEvent, order_type: OrderType = OrderType.LIMIT, price: int = 0, deadline: int = 0) -> _Asked:
    return _Asked(event.at, event.values["partyA"], event.values["partyB"], order_type, price, deadline)


def is_at_rest(status: QuoteStatus) -> bool:
    """True where nobody owes anything on a quote."""
    return status.is_terminal or status is QuoteStatus.OPENED
