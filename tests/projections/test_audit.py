"""The story of a quote, and events as people read them."""

import typing

import msgspec

from hedger.domain import transactions, wallet
from hedger.domain.catalogue import ALL_EVENTS
from hedger.domain.chain_facts import QuoteFact
from hedger.domain.money import WAD
from hedger.domain.quote import events
from hedger.domain.terms import Leg, OrderType
from hedger.projections.audit import LineKind, StoryLine, kind_of, story
from hedger.projections.headlines import WORDS
from hedger.projections.readable import is_amount, readable, short
from tests.projections.histories import History, quote_aggregate, random_history, wallet_id

OWN_MODULES = (events.__name__, transactions.__name__, wallet.__name__)
WADS = {
    "account_claims", "account_hedge", "account_notional", "account_promised", "account_upnl", "allocate",
    "allocated", "allocations", "amount", "arriving", "ask", "at_stake", "bid", "claimed", "cva", "decision_price",
    "executed_quantity", "fee", "force_close_gap", "free", "funding_rate", "high", "lacking", "lf", "limit_price",
    "low", "margin", "mark", "market_price", "max_funding_rate", "max_leverage", "max_notional", "max_quantity",
    "min_lf_portion", "min_notional", "min_quantity", "min_quote_value", "notional", "open_quantity",
    "opened_price", "party_a_allocated", "party_a_mm", "party_b_allocated", "party_b_free", "party_b_mm", "pledged",
    "price", "prices", "promised", "promised_allocation", "quantity", "rate", "rates", "reserve_vault", "residual",
    "step", "symbol_long_hedge", "symbol_notional", "symbol_short_hedge", "tick", "total_allocated",
    "total_notional", "trading_fee", "unrealised", "upnl", "vault", "venue_margin", "wallet",
}  # fmt: skip


def opened_quote() -> History:
    history = History()
    history.sent(1, order_type=OrderType.MARKET)
    history.mine()
    history.judged(1)
    history.locked(1)
    history.ordered(1, Leg.OPEN, 2 * WAD, [(2 * WAD, 99 * WAD)])
    history.opened(1, 2 * WAD, 100 * WAD)
    return history


def of_the_quote(history: History, *, with_wallet: bool = False) -> list[StoryLine]:
    wanted = {quote_aggregate(1), wallet_id()} if with_wallet else {quote_aggregate(1)}
    return story([each for each in history.recorded if each.aggregate_id in wanted])


def test_the_story_tells_every_event_in_log_order_by_its_kind() -> None:
    history = opened_quote()
    lines = of_the_quote(history)
    own = [each for each in history.recorded if each.aggregate_id == quote_aggregate(1)]
    assert [line.position for line in lines] == [each.position for each in own]
    assert [line.kind.value for line in lines[:5]] == ["fact", "decision", "decision", "transaction", "transaction"]
    assert {line.kind for line in lines} == set(LineKind)


def test_headlines_are_plain_words_with_decimal_amounts() -> None:
    headlines = [line.headline for line in of_the_quote(opened_quote(), with_wallet=True)]
    assert headlines[0] == "0xa0a0…a0a0 asks to open long 2 of symbol 1 at 100 (market)"
    assert "Order h-1-o1 filled 2 at 99, fee 0.002 USDT" in headlines
    assert "Opened on chain by 0xb0b0…b0b0: 2 at 100" in headlines
    assert "Transaction h-1-lock-1 asked for: lock, allocating 20 first" in headlines


def test_a_rejection_names_the_rules_that_failed_and_what_they_saw() -> None:
    history = History()
    history.sent(1)
    history.judged(1, code=4203)
    line = of_the_quote(history)[-1]
    assert line.headline.startswith("Rejected, 4203: The order is smaller than this hedger takes.")
    assert line.details["rules_failed"] == ["smallest notional"]
    assert line.details["rules_passed"] == ["symbol enabled"]
    assert line.details["rules"][1]["limit"] == "500"
    assert line.details["inputs"]["market"]["mark"] == "100"
    assert line.details["inputs"]["block_number"] == history.block


def test_sources_tell_where_a_fact_and_a_fill_came_from() -> None:
    lines = of_the_quote(opened_quote())
    assert lines[0].source["log_index"] == 1
    assert lines[0].source["block_number"] == 100
    assert "source" not in lines[0].details
    fill = next(line for line in lines if line.event == "OrderFilled")
    assert fill.source == {"venue": "paper", "trade_id": "h-1-o1-0"}


def test_latencies_run_from_fact_to_decision_to_request_to_outcome_to_the_chains_word() -> None:
    history = opened_quote()
    lines = of_the_quote(history, with_wallet=True)
    at = {line.event + str(line.details.get("request_id", "")): line for line in lines}
    assert lines[0].latency_ms is None
    assert at["QuoteAccepted"].latency_ms == at["QuoteAccepted"].at_ms - lines[0].at_ms
    requested, mined = at["TransactionRequestedh-1-lock-1"], at["TransactionMinedh-1-lock-1"]
    taken = at["TransactionBroadcasth-1-lock-1"]
    assert mined.latency_ms == mined.at_ms - taken.at_ms
    assert requested.latency_ms == 7  # the step of the histories' clock
    filled, accepted = at["OrderFilled"], at["OrderAccepted"]
    assert filled.latency_ms == filled.at_ms - accepted.at_ms


def test_the_chains_word_on_our_own_transaction_follows_from_that_transaction() -> None:
    history = History()
    history.sent(1)
    succeeded = transactions.TransactionSucceeded(
        request_id="r",
        transaction_hash=f"0x{2:064x}",
        block_number=1,
        block_hash="0x1",
        gas_used=1,
        gas_price_wei=1,
    )
    history.quote(1, succeeded)
    history.locked(1, party_b="0x" + "b1" * 20)
    lines = of_the_quote(history)
    assert lines[-1].source["transaction_hash"] == succeeded.transaction_hash
    assert lines[-1].latency_ms == lines[-1].at_ms - lines[-2].at_ms


def test_every_event_has_a_headline_and_details_that_are_json() -> None:
    for seed in range(4):
        for line in story(random_history(seed)):
            assert line.headline
            msgspec.json.encode(line)


def test_every_event_of_a_quote_has_words_of_its_own() -> None:
    of_a_quote = {event for event in ALL_EVENTS if issubclass(event, QuoteFact) or event.__module__ in OWN_MODULES}
    assert of_a_quote - WORDS.keys() == set()
    assert len(of_a_quote) > 35


def test_every_whole_number_of_every_event_is_known_as_amount_or_as_none() -> None:
    names: set[str] = set()

    def walk(shape: type[msgspec.Struct]) -> None:
        for field in msgspec.structs.fields(shape):
            for part in (field.type, *typing.get_args(field.type)):
                if part is int:
                    names.add(field.name)
                elif isinstance(part, type) and issubclass(part, msgspec.Struct):
                    walk(part)

    for event in ALL_EVENTS:
        walk(event)
    assert {name for name in names if is_amount(name)} == WADS


def test_values_are_read_by_their_units() -> None:
    assert readable(15 * 10**17, "price") == "1.5"
    assert readable(7, "quote_id") == 7
    assert readable(2**256 - 1, "deadline") == str(2**256 - 1)
    assert readable(True, "price") is True
    assert readable(Leg.OPEN) == "open"
    assert readable({"a": (WAD,)}, "fees") == {"a": ["1"]}
    assert short("0x" + "ab" * 20) == "0xabab…abab"
    assert kind_of(events.OrderCancelRequested(client_order_id="a", reason="b")) is LineKind.ORDER
