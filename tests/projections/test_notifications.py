"""What traders are told: the right record for each step, under an id that a rebuild does not change."""

from typing import Any

from hedger.domain import chain_facts as facts
from hedger.domain.money import WAD
from hedger.domain.quote import events
from hedger.domain.terms import CallKind, Leg, OrderType, QuoteStatus
from hedger.domain.transactions import Call
from hedger.projections.memory import fold
from tests.projections.histories import ALICE, OTHER, US, History, random_history

Told = tuple[str, str, str, int]


def told(history: History) -> list[Told]:
    """(action, status, alert or report, error code) of every record in order."""
    return [
        (line["last_seen_action"], line["action_status"], line["state_type"], line["error_code"])
        for line in notifications(history)
    ]


def notifications(history: History) -> list[dict[str, Any]]:
    return fold(history.recorded, US).models["notifications"]


def opened_quote(order_type: OrderType) -> History:
    history = History()
    history.sent(1, order_type=order_type)
    history.judged(1)
    history.locked(1)
    history.ordered(1, Leg.OPEN, 2 * WAD, [(2 * WAD, 99 * WAD)])
    history.opened(1, 2 * WAD, 100 * WAD)
    return history


def test_a_market_order_is_seen_and_then_done_when_it_is_open() -> None:
    assert told(opened_quote(OrderType.MARKET)) == [
        ("SendQuote", "seen", "alert", 0),
        ("SendQuote", "success", "alert", 0),
    ]


def test_a_limit_order_is_done_when_locked_and_its_fills_are_reported() -> None:
    history = opened_quote(OrderType.LIMIT)
    assert told(history) == [
        ("SendQuote", "seen", "alert", 0),
        ("SendQuote", "success", "alert", 0),
        ("FillLimitOrderOpen", "seen", "report", 0),
        ("FillLimitOrderOpen", "success", "report", 0),
    ]
    at_broker, on_chain = notifications(history)[2:]
    assert (at_broker["filled_amount_open"], at_broker["avg_price_open"]) == ("2", "99")
    assert (on_chain["filled_amount_open"], on_chain["avg_price_open"]) == ("2", "100")
    assert on_chain["counterparty_address"] == ALICE


def test_a_refused_intent_tells_its_code_and_kind_of_failure() -> None:
    history = History()
    history.sent(1)
    history.judged(1, code=4203)
    assert told(history)[-1] == ("SendQuote", "failed", "alert", 4203)
    assert notifications(history)[-1]["failure_type"] == "condition_missmatch"


def test_a_solvency_refusal_and_a_broker_refusal_have_kinds_of_their_own() -> None:
    history = History()
    history.sent(1)
    history.judged(1, code=4000)
    assert notifications(history)[-1]["failure_type"] == "Solvency Problem"
    order_id = history.ordered(1, Leg.OPEN, WAD, [], ends=False)
    history.quote(1, events.OrderRefused(client_order_id=order_id, code="-2019", reason="margin"))
    assert told(history)[-1] == ("FailedToPutOnBinance", "failed", "alert", 4006)
    assert notifications(history)[-1]["failure_type"] == "system Unable to handel exception"


def test_an_order_proven_never_to_have_arrived_is_not_told_as_refused() -> None:
    history = History()
    history.sent(1)
    order_id = history.ordered(1, Leg.OPEN, WAD, [], ends=False)
    before = told(history)
    history.quote(1, events.OrderRefused(client_order_id=order_id, code="never_arrived", reason=""))
    assert told(history) == before


def test_a_cancel_is_seen_and_then_done() -> None:
    history = History()
    history.sent(1)
    history.judged(1)
    history.locked(1)
    history.cancel_asked(1)
    history.transacts(1, Call(kind=CallKind.ACCEPT_CANCEL))
    history.quote(1, facts.CancelAccepted(source=history.source(), quote_id=1))
    assert told(history)[-2:] == [
        ("RequestToCancelQuote", "seen", "alert", 0),
        ("RequestToCancelQuote", "success", "alert", 0),
    ]


def test_a_cancel_of_what_nobody_locked_is_done_at_once() -> None:
    history = History()
    history.sent(1)
    history.cancel_asked(1, QuoteStatus.CANCELED)
    assert told(history)[-1] == ("RequestToCancelQuote", "success", "alert", 0)


def test_a_limit_close_reports_its_fills_and_is_done_when_whole() -> None:
    history = opened_quote(OrderType.MARKET)
    history.close_asked(1, 2 * WAD, order_type=OrderType.LIMIT)
    history.ordered(1, Leg.CLOSE, 2 * WAD, [(WAD, 110 * WAD), (WAD, 112 * WAD)], close_id=10)
    history.close_filled(1, WAD, 109 * WAD, QuoteStatus.CLOSE_PENDING)
    history.close_filled(1, WAD, 109 * WAD, QuoteStatus.CLOSED)
    assert told(history)[2:] == [
        ("RequestToClosePosition", "seen", "alert", 0),
        ("FillLimitOrderClose", "seen", "report", 0),
        ("FillLimitOrderClose", "seen", "report", 0),
        ("FillLimitOrderClose", "success", "report", 0),
        ("FillLimitOrderClose", "success", "report", 0),
        ("RequestToClosePosition", "success", "alert", 0),
    ]
    second = notifications(history)[4]
    assert (second["filled_amount_close"], second["avg_price_close"], second["order_type"]) == ("2", "111", 0)


def test_a_market_close_is_told_by_alerts_alone_and_under_its_own_kind() -> None:
    history = opened_quote(OrderType.LIMIT)
    history.close_asked(1, 2 * WAD, order_type=OrderType.MARKET)
    history.ordered(1, Leg.CLOSE, 2 * WAD, [(2 * WAD, 110 * WAD)], close_id=10)
    history.close_filled(1, 2 * WAD, 109 * WAD, QuoteStatus.CLOSED)
    assert told(history)[4:] == [
        ("RequestToClosePosition", "seen", "alert", 0),
        ("RequestToClosePosition", "success", "alert", 0),
    ]
    assert notifications(history)[-1]["order_type"] == int(OrderType.MARKET)


def test_a_refused_close_and_a_cancelled_close_are_told() -> None:
    history = opened_quote(OrderType.MARKET)
    history.close_asked(1, 2 * WAD)
    refused = events.CloseRejected(policy="v1", inputs=history.inputs(), close_id=10, code=4005, reason="funds")
    history.quote(1, refused)
    history.quote(
        1, facts.CloseCancelRequested(source=history.source(), quote_id=1, party_a=ALICE, party_b=US, close_id=10)
    )
    history.quote(1, facts.CloseCancelAccepted(source=history.source(), quote_id=1, close_id=10))
    assert told(history)[-3:] == [
        ("RequestToClosePosition", "failed", "alert", 4005),
        ("RequestToCancelCloseRequest", "seen", "alert", 0),
        ("RequestToCancelCloseRequest", "success", "alert", 0),
    ]


def test_releasing_a_lock_giving_up_and_a_liquidation_are_told() -> None:
    history = History()
    history.sent(1)
    history.judged(1)
    history.locked(1)
    history.quote(1, events.GaveUp(policy="v1", inputs=history.inputs(), code=4104, reason="moved"))
    history.quote(1, facts.QuoteUnlocked(source=history.source(), quote_id=1, party_b=US))
    assert told(history)[-2:] == [("SendQuote", "failed", "alert", 4104), ("UnlockQuote", "success", "alert", 0)]
    history = opened_quote(OrderType.MARKET)
    history.quote(1, facts.PositionLiquidated(source=history.source(), quote_id=1, party_a=ALICE, quantity=2 * WAD))
    assert told(history)[-1] == ("LiquidatePosition", "success", "alert", 0)


def test_what_another_hedger_does_is_not_told_as_ours() -> None:
    history = History()
    history.sent(1, whitelist=(OTHER,))
    history.locked(1, party_b=OTHER)
    history.quote(1, facts.QuoteUnlocked(source=history.source(), quote_id=1, party_b=OTHER))
    assert told(history) == []


def test_ids_are_unique_and_the_same_on_every_replay() -> None:
    recorded = random_history(3, quotes=20)
    ids = [line["id"] for line in fold(recorded, US).models["notifications"]]
    assert len(set(ids)) == len(ids) > 20
    assert ids == [line["id"] for line in fold(recorded, US).models["notifications"]]
