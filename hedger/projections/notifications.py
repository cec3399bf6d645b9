"""The read model of notifications: what a trader is told of a request, one record an event, as front ends know them.

Actions: what the user asked or the hedger did. Status: seen, success or failed. A report carries amounts and prices of
a limit order (seen: filled at the broker so far; success: done on chain), an alert carries the status alone.
"""

from collections.abc import Iterator
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec

from hedger.domain import chain_facts as facts
from hedger.domain.error_codes import ErrorCode
from hedger.domain.events import Recorded
from hedger.domain.quote import events
from hedger.domain.quote.onchain import CloseRequest
from hedger.domain.terms import Leg, OrderType, QuoteStatus
from hedger.projections.quotes import average_price
from hedger.projections.tables import Sheet, Wad, plain
from hedger.projections.tracked import Tracked

_SOLVENCY = frozenset({4000, 4001, 4002, 4003, 4004, 4005, 4008, 4011})
_EXCEPTIONS = frozenset({ErrorCode.BROKER_FAILED, ErrorCode.UNKNOWN_FAILURE})
_PLACES = 8  # records that one event may make, so that a record's number tells its event's position


class NotificationRow(msgspec.Struct, frozen=True, kw_only=True):
    """One record. `sequence` orders them; times are seconds of the recorder's clock; amounts null where there is none.

    `id` is derived from the event's position, so it stays the same when the read model is built again.
    """

    sequence: int
    id: UUID
    position: int
    create_time: int
    modify_time: int
    quote_id: int
    temp_quote_id: int | None
    counterparty_address: str
    symbol_id: int
    filled_amount_open: Wad | None
    filled_amount_close: Wad | None
    avg_price_open: Wad
    avg_price_close: Wad
    last_seen_action: str
    action_status: str
    failure_type: str | None
    error_code: int
    order_type: int
    state_type: str


NOTIFICATIONS = plain(
    "notifications",
    NotificationRow,
    ("sequence",),
    indexes=("(counterparty_address, modify_time)", "(quote_id)", "(modify_time)"),
)


class Before(msgspec.Struct, frozen=True):
    """What the event was about to change: whether the quote was ours, and the close that was asked for."""

    was_ours: bool
    close: CloseRequest | None

    @classmethod
    def of(cls, tracked: Tracked, party_b: str) -> "Before":
        facet = tracked.quote.chain
        return cls(tracked.is_ours(party_b), facet.close if facet is not None else None)


class _Note(msgspec.Struct, frozen=True):
    action: str
    status: str
    code: int = 0
    filled_open: int | None = None
    filled_close: int | None = None
    price_open: int = 0
    price_close: int = 0

    @property
    def is_report(self) -> bool:
        return self.filled_open is not None or self.filled_close is not None


def note(sheet: Sheet[NotificationRow], before: Before, tracked: Tracked, recorded: Recorded, party_b: str) -> None:
    """Write the records of one event; `tracked` is the quote after it."""
    told = [*_of_the_open(before, tracked, recorded, party_b), *_of_the_close(before, tracked, recorded)]
    for place, each in enumerate(told):
        row = _row(each, place, before, tracked, recorded)
        sheet.put(row, row.sequence)


def _of_the_open(before: Before, tracked: Tracked, recorded: Recorded, party_b: str) -> Iterator[_Note]:
    event, is_limit = recorded.event, tracked.order_type is OrderType.LIMIT
    match event:
        case facts.QuoteSent() if not event.party_bs_whitelist or party_b in event.party_bs_whitelist:
            yield _Note("SendQuote", "seen")
        case facts.QuoteLocked() if event.party_b == party_b and is_limit:
            yield _Note("SendQuote", "success")
        case facts.PositionOpened() if event.party_b == party_b:
            if is_limit:
                yield _Note("FillLimitOrderOpen", "success", filled_open=event.quantity, price_open=event.price)
            if not (is_limit and before.was_ours):  # a limit order's success was told when it was locked
                yield _Note("SendQuote", "success")
        case events.QuoteRejected() | events.GaveUp():
            yield _Note("SendQuote", "failed", event.code)
        case facts.QuoteUnlocked() if before.was_ours:
            yield _Note("UnlockQuote", "success")
        case facts.OpenExpired() if before.was_ours:
            yield _Note("SendQuote", "failed", ErrorCode.DEADLINE)
        case facts.CancelRequested() if before.was_ours or event.status is QuoteStatus.CANCELED:
            done = event.status is QuoteStatus.CANCELED
            yield _Note("RequestToCancelQuote", "success" if done else "seen")
        case facts.CancelAccepted() | facts.CancelForced() if before.was_ours:
            yield _Note("RequestToCancelQuote", "success")
        case facts.PendingLiquidated() | facts.PositionLiquidated() if before.was_ours:
            yield _Note("LiquidatePosition", "success")
        case events.OrderRefused() if _leg(tracked, event) in (Leg.OPEN, Leg.CLOSE) and event.code != "never_arrived":
            yield _Note("FailedToPutOnBinance", "failed", ErrorCode.BROKER_FAILED)
        case events.OrderFilled() if is_limit and _leg(tracked, event) is Leg.OPEN:
            hedge = tracked.quote.hedge
            price = average_price(hedge, Leg.OPEN)
            yield _Note("FillLimitOrderOpen", "seen", filled_open=hedge.filled_of(Leg.OPEN), price_open=price)
        case _:
            return


def _of_the_close(before: Before, tracked: Tracked, recorded: Recorded) -> Iterator[_Note]:
    event = recorded.event
    if isinstance(event, events.CloseRejected):
        yield _Note("RequestToClosePosition", "failed", event.code)
        return
    if not before.was_ours:
        return
    was_limit = before.close is not None and before.close.order_type is OrderType.LIMIT
    match event:
        case facts.CloseRequested():
            yield _Note("RequestToClosePosition", "seen")
        case facts.CloseFilled():
            if was_limit:
                yield _Note("FillLimitOrderClose", "success", filled_close=event.quantity, price_close=event.price)
            if event.status is not QuoteStatus.CLOSE_PENDING:
                yield _Note("RequestToClosePosition", "success")
        case facts.ForceClosed() | facts.EmergencyClosed():
            yield _Note("RequestToClosePosition", "success")
        case facts.CloseExpired():
            yield _Note("RequestToClosePosition", "failed", ErrorCode.DEADLINE)
        case facts.CloseCancelRequested():
            yield _Note("RequestToCancelCloseRequest", "seen")
        case facts.CloseCancelAccepted() | facts.CloseCancelForced():
            yield _Note("RequestToCancelCloseRequest", "success")
        case events.OrderFilled() if was_limit and before.close is not None and _leg(tracked, event) is Leg.CLOSE:
            hedge, close_id = tracked.quote.hedge, before.close.close_id
            filled = hedge.filled_of(Leg.CLOSE, close_id=close_id)
            price = average_price(hedge, Leg.CLOSE, close_id=close_id)
            yield _Note("FillLimitOrderClose", "seen", filled_close=filled, price_close=price)
        case _:
            return


def _leg(tracked: Tracked, event: events.OrderFilled | events.OrderRefused) -> Leg | None:
    order = tracked.quote.hedge.orders.get(event.client_order_id)
    return order.leg if order is not None else None


def _row(told: _Note, place: int, before: Before, tracked: Tracked, recorded: Recorded) -> NotificationRow:
    seconds = recorded.recorded_at_ms // 1000
    return NotificationRow(
        sequence=recorded.position * _PLACES + place,
        id=uuid5(NAMESPACE_URL, f"/log/{recorded.position}/notifications/{place}"),
        position=recorded.position,
        create_time=seconds,
        modify_time=seconds,
        quote_id=tracked.quote.quote_id,
        temp_quote_id=None,
        counterparty_address=tracked.party_a,
        symbol_id=tracked.symbol_id,
        filled_amount_open=told.filled_open,
        filled_amount_close=told.filled_close,
        avg_price_open=told.price_open,
        avg_price_close=told.price_close,
        last_seen_action=told.action,
        action_status=told.status,
        failure_type=_failure_type(told),
        error_code=int(told.code),
        order_type=int(_order_type(told, before, tracked)),
        state_type="report" if told.is_report else "alert",
    )


def _order_type(told: _Note, before: Before, tracked: Tracked) -> OrderType:
    """A close has a kind of its own; everything else is told with the quote's."""
    close = before.close or (tracked.quote.chain.close if tracked.quote.chain is not None else None)
    return close.order_type if close is not None and "Close" in told.action else tracked.order_type


def _failure_type(told: _Note) -> str | None:
    """The spellings are those that front ends know."""
    if told.status != "failed":
        return None
    if told.code in _SOLVENCY:
        return "Solvency Problem"
    return "system Unable to handel exception" if told.code in _EXCEPTIONS else "condition_missmatch"
